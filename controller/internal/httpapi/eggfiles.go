package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lormas/lormas/controller/internal/actions"
	"github.com/lormas/lormas/controller/internal/authz"
	"github.com/lormas/lormas/controller/internal/fleet"
	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
	"github.com/lormas/lormas/shared/spec"
)

// eggFileTypes are the types of files that are taken for eggs. Whether one is
// JSON or YAML is seen by its looks.
var eggFileTypes = []string{"application/json", "application/yaml", "application/octet-stream"}

// eggFileRoutes are about eggs as files of Pterodactyl and Pelican.
func (s *Server) eggFileRoutes() {
	r := Route{
		Verb: fleet.EggCreate, ID: "egg.import", Method: http.MethodPost, Path: "/eggs/import", Summary: "Import an egg of Pterodactyl or Pelican", MaxBody: egg.MaxFile,
		Help: "The body is the file itself, in JSON or YAML; with `url` there is none, and the controller fetches it, from public addresses and those of `--egg-networks`. An egg with the same `uuid` is updated, which also needs `egg.edit`: its ports, user, command and volumes stay as they were set here. Containers keep the spec that they were made with. With `dryRun` nothing is changed, and the answer says what would be.",
	}
	add(s, r, s.importEgg)
	body := s.api.OpenAPI().Paths[r.path()].Post.RequestBody
	body.Required = false // there is none where there is an address
	content := body.Content
	content["application/yaml"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	content["application/json"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Examples: []any{map[string]any{
		"meta": map[string]any{"version": "PTDL_v2"}, "name": "Web server", "docker_images": map[string]any{"default": "registry.example/web:1"}, "startup": "./web",
	}}}}
	content["application/yaml"].Example = "meta: {version: PTDL_v2}\nname: Web server\ndocker_images: {default: 'registry.example/web:1'}\nstartup: ./web\n"
	content["application/octet-stream"].Example = content["application/yaml"].Example
	add(s, Route{
		Verb: fleet.EggEdit, ID: "egg.update", Method: http.MethodPost, Path: "/eggs/update/{id}", Summary: "Bring an imported egg up to its newest file",
		Help: "The controller fetches it from the egg's `update_url`. With `dryRun` nothing is changed, and the answer says what would be.",
	}, s.updateEgg)
	add(s, Route{
		Verb: fleet.EggView, ID: "egg.export", Method: http.MethodGet, Path: "/eggs/export/{id}", Summary: "Write an egg as a file for Pterodactyl or Pelican",
		Help:   "What only native eggs have is not in it: command, user, ports, volumes beside the home, and the time that an installation may take.",
		Stream: eggFileTypes[0],
	}, s.exportEgg)
	add(s, Route{
		Verb: fleet.EggView, ID: "egg.source", Method: http.MethodGet, Path: "/eggs/source/{id}", Summary: "Fetch the file that an egg was imported from",
		Help:   "Byte for byte as it came last. One that was not imported has none.",
		Stream: "application/octet-stream",
	}, s.eggSource)
}

type exportEggInput struct {
	EggInput
	Format string `query:"format" enum:"PTDL_v2,PLCN_v3" default:"PLCN_v3" doc:"of Pterodactyl, or of Pelican"`
}

func (s *Server) exportEgg(ctx context.Context, actor authz.Actor, in *exportEggInput) (*huma.StreamResponse, error) {
	e, err := s.Actions.Egg(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	file, err := egg.Export(e.Egg, in.Format)
	return download("egg-"+slug(e.Egg.Name)+".json", eggFileTypes[0], file), err
}

func (s *Server) eggSource(ctx context.Context, actor authz.Actor, in *EggInput) (*huma.StreamResponse, error) {
	e, file, err := s.Actions.EggSource(ctx, actor, in.ID)
	ending := ".yaml"
	if json.Valid(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))) {
		ending = ".json"
	}
	return download("egg-"+slug(e.Egg.Name)+ending, "application/octet-stream", file), err
}

// download answers with a file that browsers save under a name.
func download(name, contentType string, file []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", contentType)
		hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		_, _ = hc.BodyWriter().Write(file) // into Fiber's memory
	}}
}

// slug is a name as a part of the name of a file, on any system.
func slug(name string) string {
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(kept[:min(len(kept), 60)], "-")
}

type updateEggInput struct {
	EggInput
	DryRun bool `query:"dryRun" doc:"only say what would be done"`
}

func (s *Server) updateEgg(ctx context.Context, actor authz.Actor, in *updateEggInput) (*importEggOutput, error) {
	return answerImport(s.Actions.UpdateEgg(ctx, actor, in.ID, in.DryRun))
}

type importEggInput struct {
	RepeatableInput
	URL         string           `query:"url" maxLength:"2000" doc:"where the controller fetches the file from, which then is not sent; a page of GitHub that shows it is good, too" example:"https://example.org/egg.json"`
	EggID       id.EggID         `query:"eggId" format:"uuid" doc:"the egg that this is a newer file of: for files without a uuid"`
	CategoryID  id.EggCategoryID `query:"categoryId" format:"uuid" doc:"left out: none, or as it is"`
	DryRun      bool             `query:"dryRun" doc:"only say what would be done"`
	ContentType string           `header:"Content-Type" hidden:"true"`
	RawBody     []byte           `contentType:"application/octet-stream"`
}

type importEggOutput struct {
	Body struct {
		Egg      eggBody          `json:"egg" doc:"as it is now; of a dry run, as it would be"`
		Outcome  string           `json:"outcome" enum:"created,updated,unchanged"`
		Warnings []egg.Diagnostic `json:"warnings" doc:"what the file's author may not have meant"`
		Changes  []eggChangeBody  `json:"changes" doc:"of an update: the fields that it changed"`
	}
}

// eggChangeBody is a field with what it was and is; one that is not there has
// no value.
type eggChangeBody struct {
	Field  string `json:"field"`
	Before any    `json:"before,omitempty"`
	After  any    `json:"after,omitempty"`
}

func (s *Server) importEgg(ctx context.Context, actor authz.Actor, in *importEggInput) (*importEggOutput, error) {
	if in.URL != "" && len(in.RawBody) > 0 {
		return nil, fleet.InvalidFields(spec.Fault{Field: "url", Message: "send a file, or the address of one, and not both"})
	}
	if in.URL == "" && len(in.RawBody) == 0 {
		return nil, newProblem(malformed, "send the file as the body, or its address as url")
	}
	if kind, _, err := mime.ParseMediaType(in.ContentType); in.URL == "" && (err != nil || !slices.Contains(eggFileTypes, kind)) {
		return nil, newProblem(unsupportedMedia, "send the file as application/json, application/yaml or application/octet-stream")
	}
	return answerImport(s.Actions.ImportEgg(ctx, actor, actions.EggFile{
		CategoryID: optional(in.CategoryID), Data: in.RawBody, URL: in.URL, As: in.EggID, DryRun: in.DryRun, Key: in.IdempotencyKey,
	}))
}

func answerImport(got actions.ImportedEgg, err error) (*importEggOutput, error) {
	out := &importEggOutput{}
	b := &out.Body
	b.Egg, b.Outcome, b.Warnings, b.Changes = showEgg(got.Egg), got.Outcome, append([]egg.Diagnostic{}, got.Warnings...), []eggChangeBody{}
	for _, c := range got.Changes {
		b.Changes = append(b.Changes, eggChangeBody{c.Field, valueOf(c.Before), valueOf(c.After)})
	}
	return out, err
}

// valueOf is nil where there is no value, so that it is left out.
func valueOf(text json.RawMessage) any {
	if len(text) == 0 {
		return nil
	}
	return text
}
