package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/term"

	"github.com/lormas/lormas/controller/internal/client"
)

// accountCommands are for one's own account.
type accountCommands struct {
	TOTP totpCommands `cmd:"" name:"totp" help:"Work with your second factor: codes of an app on your phone."`
}

type totpCommands struct {
	Status        totpStatusCommand  `cmd:"" help:"Show whether you have a second factor, and how many recovery codes are left."`
	Enable        totpEnableCommand  `cmd:"" help:"Add a second factor; its recovery codes are printed this once."`
	RecoveryCodes totpCodesCommand   `cmd:"" name:"recovery-codes" help:"Replace your recovery codes; the new ones are printed this once."`
	Disable       totpDisableCommand `cmd:"" help:"Take the second factor from your account."`
}

type totpStatusCommand struct {
	access `embed:""`
	output `embed:""`
}

// Run shows the state of the second factor.
func (c totpStatusCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	var me struct {
		User          struct{ TOTP bool }
		RecoveryCodes int
	}
	if err := to.Do(ctx, client.Request{Method: http.MethodGet, Path: "/auth/me"}, &me); err != nil {
		return err
	}
	raw, err := json.Marshal(struct {
		TOTP          bool `json:"totp"`
		RecoveryCodes int  `json:"recoveryCodes"`
	}{me.User.TOTP, me.RecoveryCodes})
	if err != nil {
		return err
	}
	return c.print(s.Out, noun{}, raw)
}

type totpEnableCommand struct {
	access `embed:""`
}

// Run shows the seed, asks for the first code of it, and prints the recovery
// codes.
func (c totpEnableCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	password, err := c.ownPassword(ctx, s)
	if err != nil {
		return err
	}
	var seed struct{ Secret, URI string }
	r := client.Request{Method: http.MethodPost, Path: "/auth/totp", Body: fields{"currentPassword": password}}
	if err := to.Do(ctx, r, &seed); err != nil {
		return err
	}
	if err := showSeed(s, seed.Secret, seed.URI); err != nil {
		return err
	}
	return confirm(ctx, s, to)
}

// showSeed says what an app needs to know. It goes where questions go, so
// that nothing but recovery codes is in a file that they are sent to.
func showSeed(s Streams, secret, uri string) error {
	if term.IsTerminal(int(s.Err.Fd())) {
		drawn, err := drawQR(uri)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.Err, "Scan this with the app on your phone:\n\n%s\n", drawn)
	}
	_, err := fmt.Fprintf(s.Err, "Or type this into it: %s\nOr open it there: %s\n", inFours(secret), uri)
	return err
}

// inFours is a text as it is easiest to copy by hand.
func inFours(text string) string {
	var out []string
	for len(text) > 4 {
		out, text = append(out, text[:4]), text[4:]
	}
	return strings.Join(append(out, text), " ")
}

// attempts is how many codes are asked for on a terminal: a slip should not
// cost the scan.
const attempts = 3

// confirm puts the second factor to use with its first code.
func confirm(ctx context.Context, s Streams, to *client.Client) error {
	for left := attempts - 1; ; left-- {
		code, err := s.secret(ctx, "The code that it shows")
		if err != nil {
			return err
		}
		err = printCodes(ctx, s, to, client.Request{Method: http.MethodPost, Path: "/auth/totp/confirm", Body: fields{"code": code}})
		if left == 0 || !s.interactive() || codeOf(err) != exitUsage {
			return err
		}
		fmt.Fprintf(s.Err, "%v\n", err)
	}
}

// printCodes carries out a request whose answer is recovery codes, and prints
// those alone, so that they can be caught.
func printCodes(ctx context.Context, s Streams, to *client.Client, r client.Request) error {
	var made struct{ RecoveryCodes []string }
	if err := to.Do(ctx, r, &made); err != nil {
		return err
	}
	fmt.Fprintln(s.Err, "You sign in with a code from now on. Without your phone, each of these recovery codes is good once in place of it.\nKeep them where your phone is not; they are shown this once:")
	_, err := fmt.Fprintln(s.Out, strings.Join(made.RecoveryCodes, "\n"))
	return err
}

type totpCodesCommand struct {
	access `embed:""`
}

// Run replaces the recovery codes.
func (c totpCodesCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	proof, err := c.proof(ctx, s)
	if err != nil {
		return err
	}
	return printCodes(ctx, s, to, client.Request{Method: http.MethodPost, Path: "/auth/totp/recovery-codes", Body: proof})
}

type totpDisableCommand struct {
	access `embed:""`
}

// Run takes the second factor away.
func (c totpDisableCommand) Run(ctx context.Context, s Streams) error {
	to, done, err := c.connect(ctx, s)
	if err != nil {
		return err
	}
	defer done()
	proof, err := c.proof(ctx, s)
	if err != nil {
		return err
	}
	if err := to.Do(ctx, client.Request{Method: http.MethodDelete, Path: "/auth/totp", Body: proof}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, "You have no second factor any more: your password alone signs you in.")
	return err
}

// proof shows that it is not somebody else at an open session.
func (a access) proof(ctx context.Context, s Streams) (fields, error) {
	password, err := a.ownPassword(ctx, s)
	if err != nil {
		return nil, err
	}
	code, err := s.secret(ctx, askCode)
	return fields{"currentPassword": password, "code": code}, err
}

// ownPassword is the password of who is signed in, also where a profile did
// that.
func (a access) ownPassword(ctx context.Context, s Streams) (string, error) {
	if a.Password != "" {
		return a.Password, nil
	}
	return s.secret(ctx, "Your password")
}
