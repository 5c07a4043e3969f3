package egg

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lormas/lormas/shared/spec"
)

// pair and object are JSON that keeps its order: of images and start commands
// the first is the default.
type pair struct {
	key   string
	value any
}

type object []pair

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := plainJSON(p.key)
		if err != nil {
			return nil, err
		}
		value, err := plainJSON(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plainJSON leaves < and & as they are: people read these files.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// Export writes an egg as PTDL_v2 or PLCN_v3, in JSON. What only native eggs
// have (command, user, ports, other volumes, the time of an installation and
// that its exit code does not count) has no place there.
func Export(e Egg, version string) ([]byte, error) {
	if version != "PTDL_v2" && version != "PLCN_v3" {
		return nil, fmt.Errorf("eggs are exported as PTDL_v2 or PLCN_v3, not as %.20q", version)
	}
	files, err := plainJSON(exportFiles(e.Files))
	if err != nil {
		return nil, err
	}
	startup := object{}
	if len(e.Done) == 1 {
		startup = append(startup, pair{"done", e.Done[0]})
	} else if len(e.Done) > 1 {
		startup = append(startup, pair{"done", e.Done})
	}
	if e.StripANSI {
		startup = append(startup, pair{"strip_ansi", true})
	}
	started, err := plainJSON(startup)
	if err != nil {
		return nil, err
	}
	install := spec.Install{}
	if e.Install != nil {
		install = *e.Install
	}
	images := object{}
	for _, image := range e.Images {
		images = append(images, pair{image.Name, image.Image})
	}
	doc := object{
		{"meta", object{{"version", version}, {"update_url", e.UpdateURL}}},
		{"name", e.Name}, {"author", e.Author}, {"uuid", e.UUID}, {"description", e.Description}, {"icon", e.Icon},
		{"tags", e.Tags}, {"features", e.Features}, {"docker_images", images}, {"file_denylist", e.Denylist},
	}
	doc = append(doc, exportStartup(e, version)...)
	doc = append(doc,
		pair{"config", object{{"files", string(files)}, {"startup", string(started)}, {"logs", "{}"}, {"stop", e.Stop}}},
		pair{"scripts", object{{"installation", object{{"script", install.Script}, {"container", install.Image}, {"entrypoint", install.Entrypoint}}}}},
		pair{"variables", exportVariables(e.Variables, version)})
	text, err := plainJSON(doc)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "    ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

// exportStartup writes commands to choose from in both versions where there
// are some: Pterodactyl reads the first and ignores the rest.
func exportStartup(e Egg, version string) object {
	commands := object{}
	for _, s := range e.Startups {
		commands = append(commands, pair{s.Name, s.Command})
	}
	var out object
	if version == "PTDL_v2" {
		out = object{{"startup", e.Startup}}
	} else if len(commands) == 0 {
		commands = object{{"Default", e.Startup}}
	}
	if len(commands) > 0 {
		out = append(out, pair{"startup_commands", commands})
	}
	return out
}

func exportFiles(files []spec.File) object {
	out := object{}
	for _, f := range files {
		find := object{}
		for _, s := range f.Set {
			var value any = s.Value
			if s.Kind != "" && json.Valid([]byte(s.Value)) {
				value = json.RawMessage(s.Value)
			}
			last := len(find) - 1
			switch {
			case s.If == "":
				find = append(find, pair{s.Key, value})
			case last >= 0 && find[last].key == s.Key:
				if conditions, ok := find[last].value.(object); ok {
					find[last].value = append(conditions, pair{s.If, value})
				}
			default:
				find = append(find, pair{s.Key, object{{s.If, value}}})
			}
		}
		file := object{{"parser", f.Parser}, {"find", find}}
		if f.Existing {
			file = append(file, pair{"create_file", false})
		}
		out = append(out, pair{f.Path, file})
	}
	return out
}

func exportVariables(variables []Variable, version string) []object {
	out := []object{}
	for i, v := range variables {
		o := object{
			{"name", v.Name}, {"description", v.Description}, {"env_variable", v.Env}, {"default_value", v.Default},
			{"user_viewable", v.Viewable}, {"user_editable", v.Editable},
		}
		if version == "PTDL_v2" {
			o = append(o, pair{"rules", strings.Join(v.Rules, "|")}, pair{"field_type", "text"})
		} else {
			o = append(o, pair{"rules", append([]string{}, v.Rules...)}, pair{"sort", i + 1})
		}
		out = append(out, o)
	}
	return out
}
