package configfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lormas/lormas/agent/internal/configfile"
	"github.com/lormas/lormas/shared/spec"
)

func set(pairs ...string) []spec.Setting {
	var list []spec.Setting
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, spec.Setting{Key: pairs[i], Value: pairs[i+1]})
	}
	return list
}

const proxy = `regex:^(127\.0\.0\.1|localhost)(:\d{1,5})?$`

// Each case is a file as its game writes it. What is not set has to come out
// as it went in, to the byte.
func TestFilesKeepWhatIsNotSet(t *testing.T) {
	for _, c := range []struct {
		name, parser, before, after string
		settings                    []spec.Setting
	}{
		{"server.properties", "properties",
			"#Minecraft server properties\n#Thu\nmotd=A \\u00A7c server\nserver-port=25565\n# mine\nlevel\\:x : a\\\n   b\nmax-players=20",
			"#Minecraft server properties\n#Thu\nmotd=caf\\u00E9 C:\\\\\nserver-port=1\n# mine\nlevel\\:x : z\nmax-players=20\nquery.port=1\n",
			set("motd", "café C:\\", "server-port", "1", "level:x", "z", "query.port", "1")},
		{"properties with CRLF", "properties", "a=1\r\nb=2\r\n", "a=1\r\nb=3\r\nc=4\r\n", set("b", "3", "c", "4")},
		{"config.yml of BungeeCord", "yaml",
			"# kept\nservers:\n  lobby:\n    address: localhost:25566 # here\n  far:\n    address: 10.0.0.1:1\nlisteners:\n- query_port: 25577\n  host: 0.0.0.0:25577\n  motd: '&1x'\nonline_mode: true\n",
			"# kept\nservers:\n  lobby:\n    address: 172.17.0.1:25566 # here\n  far:\n    address: 10.0.0.1:1\nlisteners:\n- query_port: 7\n  host: 0.0.0.0:7\n  motd: '&1x'\n  max_players: 5\nonline_mode: false\nnew:\n  a: text\n",
			append(set("listeners[0].query_port", "7", "listeners.0.host", "0.0.0.0:7", "listeners[0].max_players", "5", "online_mode", "false", "new.a", "text"),
				spec.Setting{Key: "servers.*.address", If: proxy, Value: "172.17.0.1$2"})},
		{"yaml with CRLF", "yml", "a: 1\r\nb:\r\n  c: 'x'\r\n", "a: 1\r\nb:\r\n  c: 'it''s'\r\n  d: 2\r\n", set("b.c", "it's", "b.d", "2")},
		{"yaml from nothing", "yaml", "", "a:\n  b: 1\n", set("a.b", "1")},
		{"yaml in brackets is written anew", "yaml", "# top\na: {}\nb: 1 # one\n", "# top\na: {c: x}\nb: 1 # one\n", set("a.c", "x")},
		{"GameUserSettings.ini", "ini",
			"[/Script/Engine.GameSession]\r\nMaxPlayers=20 ; of old\r\n\r\n[ServerSettings]\r\n+Mods=1\r\n+Mods=2\r\nPassword=#1 #2\r\nflag\r\n",
			"[/Script/Engine.GameSession]\r\nMaxPlayers=70 ; of old\r\n\r\n[ServerSettings]\r\n+Mods=1\r\n+Mods=2\r\nPassword=a;b #c\r\nflag\r\nPort=7\r\n\r\n[New.One]\r\nx=1\r\n",
			set("[/Script/Engine.GameSession].MaxPlayers", "70", "ServerSettings.Password", "a;b #c", "ServerSettings.Port", "7", "[New.One].x", "1")},
		{"ini without sections", "ini", "; murmur\nport = 64738\nhost=\n", "; murmur\nport = 1\nhost=0.0.0.0\nusers = 5\n", set("port", "1", "host", "0.0.0.0", "users", "5")},
		{"ini, emptied", "ini", "a = 1 # one\nb = 2\n", "a = \nb = \n", set("a", "", "b", "")},
		{"an injected line stays a value", "ini", "[a]\nb=1\n", "[a]\nb=1 admin=yes\n", set("a.b", "1\nadmin=yes")},
		{"config.json of Arma", "json",
			"{\n\t\"bindPort\": 2001,\n\t\"game\": {\n\t\t\"name\": \"x\",\n\t\t\"visible\": true,\n\t\t\"mods\": []\n\t}\n}\n",
			"{\n\t\"bindPort\": 1,\n\t\"game\": {\n\t\t\"name\": \"12\",\n\t\t\"visible\": false,\n\t\t\"mods\": [],\n\t\t\"max\": 64\n\t},\n\t\"rcon\": {\n\t\t\"password\": \"p\"\n\t}\n}\n",
			set("bindPort", "1", "game.name", "12", "game.visible", "false", "game.max", "64", "rcon.password", "p")},
		{"json from nothing", "json", "", "{\n  \"port\": 1,\n  \"a\": [\n    {\n      \"b\": \"x\"\n    }\n  ]\n}\n", set("port", "1", "a[0].b", "x")},
		{"json on one line, with comments", "json", `{"a":1,/* c */"b":"x"}`, `{"a":2,/* c */"b":"x","c":"y"}`, set("a", "2", "c", "y")},
		{"json wildcard over a list", "json", `{"l":[{"a":"x"},{"a":"y"},3]}`, `{"l":[{"a":"z"},{"a":"z"},3]}`, set("l.*.a", "z")},
		{"exact conditions", "json", `{"a":"x","b":"y"}`, `{"a":"new","b":"y"}`,
			[]spec.Setting{{Key: "a", If: "x", Value: "new"}, {Key: "b", If: "x", Value: "new"}, {Key: "c", If: "x", Value: "new"}}},
		{"kinds", "json", `{}`, "{\n  \"a\": true,\n  \"b\": 5,\n  \"c\": \"05\"\n}",
			[]spec.Setting{{Key: "a", Value: "true", Kind: "bool"}, {Key: "b", Value: "5", Kind: "int"}, {Key: "c", Value: "05"}}},
		{"ServerSettings.xml", "xml",
			"\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<S xmlns:x=\"u\">\r\n  <!-- c -->\r\n  <Port>1</Port>\r\n  <Name />\r\n  <I k='a' v='1'/>\r\n</S>\r\n",
			"\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<S xmlns:x=\"u\">\r\n  <!-- c -->\r\n  <Port>7</Port>\r\n  <Name>a &amp; b</Name>\r\n  <I k='a' v='9'/>\r\n  <N>\r\n    <M>x</M>\r\n  </N>\r\n</S>\r\n",
			set("S.Port", "7", "S.Name", "a & b", "S.I", "[v='9']", "S.N.M", "x")},
		{"xml wildcard", "xml", "<a><b>1</b><c>2</c></a>", "<a><b>3</b><c>3</c></a>", set("a.*", "3")},
		{"xml from nothing", "xml", "", "<a>\n  <b>1</b>\n</a>\n", set("a.b", "1")},
		{"mongod.conf", "file", "net:\n  port: 27017\n#security:\n", "net:\n  port: 1\nsecurity:\n  authorization: x\n", set("  port", "  port: 1", "#security:", "security:\n  authorization: x")},
		{"several keys hit one line", "file", "ab\r\nc", "12\r\nc", set("a", "1", "ab", "2")},
		{"file from nothing", "file", "", "", set("a", "b")},
		{"toml", "toml", "# c\na = 1 # one\n[b]\nc = 'x'\nd = [1, 2]\n\n[[e]]\nf = true\n", "# c\na = 2 # one\n[b]\nc = \"y\"\nd = [1, 5]\ng = \"z\"\n\n[[e]]\nf = false\n",
			set("a", "2", "b.c", "y", "b.d[1]", "5", "b.g", "z", "e.0.f", "false")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := configfile.Apply(c.parser, []byte(c.before), c.settings)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, string(got)); diff != "" {
				t.Errorf("want (-) got (+):\n%s", diff)
			}
			if strings.Contains(c.before, "localhost") { // a pattern may match its own outcome
				return
			}
			again, err := configfile.Apply(c.parser, got, c.settings)
			if diff := cmp.Diff(string(got), string(again)); err != nil || diff != "" {
				t.Errorf("the second time it changes once more (%v):\n%s", err, diff)
			}
		})
	}
}

func TestWideFilesStayWide(t *testing.T) {
	wide := func(text string) []byte {
		out := []byte{0xff, 0xfe}
		for _, b := range []byte(text) {
			out = append(out, b, 0)
		}
		return out
	}
	got, err := configfile.Apply("ini", wide("[a]\r\nb=1\r\n"), set("a.b", "2"))
	if err != nil || string(got) != string(wide("[a]\r\nb=2\r\n")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAFileThatCannotBeReadNamesItsLine(t *testing.T) {
	for parser, c := range map[string]struct{ content, want string }{
		"json": {"{\n  \"a\": 1,\n  oops\n}", "line 3, column 3"},
		"yaml": {"a: 1\nb: [\n", "line 2"},
		"toml": {"a = 1\nb = \n", "line 2"},
		"xml":  {"<a>\n  <b>\n</a>", "line 3"},
		"ini":  {"[a]\nb=1\n[oops\n", "line 3"},
	} {
		t.Run(parser, func(t *testing.T) {
			got, err := configfile.Apply(parser, []byte(c.content), set("a", "1"))
			if err == nil || got != nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%q, %v; want an error that begins with %q", got, err, c.want)
			}
		})
	}
	for _, deep := range []string{strings.Repeat("[", 1<<20), strings.Repeat(`{"a":`, 1<<18)} {
		if _, err := configfile.Apply("json", []byte(deep), set("a", "1")); err == nil {
			t.Error("it read something that is nested without an end")
		}
	}
}

func TestPlaceholdersInBothVocabularies(t *testing.T) {
	f := configfile.Facts{ID: "id-1", Interface: "172.17.0.1", Spec: spec.Container{
		Name: "mc", Image: "img", Env: map[string]string{"A": "x", "low": "y", "SERVER_PORT": "wrong"},
		Resources: spec.Resources{Memory: 512 << 20, CPU: 1500, Disk: 1 << 30},
		Ports:     []spec.Port{{IP: "10.0.0.1", Host: 25565, Container: 25565}},
	}}
	for text, want := range map[string]string{
		"{{server.build.env.A}}": "x", "{{server.environment.A}}": "x", "{{env.A}}": "x", "{{env.low}}": "y", "{{env.a}}": "",
		"{{server.build.default.ip}}:{{server.build.default.port}}": "10.0.0.1:25565",
		"{{server.allocations.default.ip}}":                         "10.0.0.1",
		"{{server.allocations.default.port}}":                       "25565",
		"{{env.SERVER_PORT}} {{server.build.env.SERVER_IP}}":        "25565 10.0.0.1",
		"{{server.environment.SERVER_MEMORY}}":                      "512",
		"{{server.build.memory}} {{server.build.memory_limit}}":     "512 512",
		"{{server.build.cpu_limit}} {{server.build.disk_space}}":    "150 1024",
		"{{server.uuid}} {{server.meta.name}}":                      "id-1 mc",
		"{{ config.docker.interface }}{{config.docker.interface}}":  "172.17.0.1172.17.0.1",
		"{{config.other}}": "{{config.other}}", "{{QUERY_PORT}}": "{{QUERY_PORT}}", "{{server.environment.{X}": "{{server.environment.{X}",
		"{{server.build.build.ip}}": "",
	} {
		if got := configfile.Expand(text, f); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
	f.Spec.Env["A"] = "a$1b"
	filled := configfile.Fill([]spec.Setting{{Key: "k", If: "regex:^(x)$", Value: "{{env.A}}$1y"}}, f)
	got, err := configfile.Apply("properties", []byte("k=x\n"), filled)
	if err != nil || string(got) != "k=a$1bxy\n" {
		t.Errorf("%q, %v", got, err)
	}
}
