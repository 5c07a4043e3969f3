package httpapi

import (
	"context"
	"net/http"

	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
)

// totpRoutes are about the second factor of one's own account.
func (s *Server) totpRoutes() {
	add(s, Route{
		Verb: fleet.AuthTOTPEnable, ID: "auth.totp.begin", Method: http.MethodPost, Path: "/auth/totp", Summary: "Begin a second factor",
		Help: "Answers the seed for an app on your phone. Signing in does not ask for it before you sent a first code to POST /auth/totp/confirm.",
	}, s.beginTOTP)
	add(s, Route{
		Verb: fleet.AuthTOTPEnable, ID: "auth.totp.confirm", Method: http.MethodPost, Path: "/auth/totp/confirm", Summary: "Put your second factor to use with its first code",
		Help: "Answers ten recovery codes, each good once in place of a code: they are not shown again. Your other sessions end; API tokens stay.",
	}, s.confirmTOTP)
	add(s, Route{
		Verb: fleet.AuthTOTPCodes, Method: http.MethodPost, Path: "/auth/totp/recovery-codes", Summary: "Replace your recovery codes",
		Help: "Those before are worth nothing from then on.",
	}, s.renewRecoveryCodes)
	add(s, Route{
		Verb: fleet.AuthTOTPDisable, Method: http.MethodDelete, Path: "/auth/totp", Summary: "Take the second factor from your account",
		Help: "The code may be a recovery code. Who has neither asks an administrator (DELETE /users/{id}/totp).",
	}, s.disableTOTP)
}

type seedInput struct {
	Body struct {
		Current string `json:"currentPassword" maxLength:"256" format:"password"`
	}
}

type seedOutput struct {
	Body seedBody
}

type seedBody struct {
	Secret string `json:"secret" doc:"to be typed into the app"`
	URI    string `json:"uri" doc:"the same for a QR code" example:"otpauth://totp/Lormas:jane@example.org?…"`
}

func (s *Server) beginTOTP(ctx context.Context, actor authz.Actor, in *seedInput) (*seedOutput, error) {
	seed, err := s.Auth.BeginTOTP(ctx, actor, in.Body.Current)
	return &seedOutput{Body: seedBody{Secret: seed.Secret, URI: seed.URI}}, err
}

type codeInput struct {
	Body struct {
		Code string `json:"code" maxLength:"64" example:"123456"`
	}
}

type recoveryCodesOutput struct {
	Body recoveryCodesBody
}

type recoveryCodesBody struct {
	RecoveryCodes []string `json:"recoveryCodes" nullable:"false" doc:"each is good once; keep them where your phone is not"`
}

func (s *Server) confirmTOTP(ctx context.Context, actor authz.Actor, in *codeInput) (*recoveryCodesOutput, error) {
	codes, err := s.Auth.ConfirmTOTP(ctx, actor, in.Body.Code)
	return &recoveryCodesOutput{Body: recoveryCodesBody{codes}}, err
}

type factorInput struct {
	Body struct {
		Current string `json:"currentPassword" maxLength:"256" format:"password"`
		Code    string `json:"code" maxLength:"64" example:"123456" doc:"six digits of the second factor, or a recovery code"`
	}
}

func (s *Server) renewRecoveryCodes(ctx context.Context, actor authz.Actor, in *factorInput) (*recoveryCodesOutput, error) {
	codes, err := s.Auth.RenewRecoveryCodes(ctx, actor, in.Body.Current, in.Body.Code)
	return &recoveryCodesOutput{Body: recoveryCodesBody{codes}}, err
}

func (s *Server) disableTOTP(ctx context.Context, actor authz.Actor, in *factorInput) (*struct{}, error) {
	return nil, s.Auth.DisableTOTP(ctx, actor, in.Body.Current, in.Body.Code)
}
