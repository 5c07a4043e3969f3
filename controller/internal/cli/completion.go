package cli

import (
	"fmt"
	"os"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// scripts are what a shell has to be told; %[1]s is this program. The program
// itself answers when the shell asks.
var scripts = map[string]string{
	"bash": "complete -C %[1]s lormas\n",
	"zsh":  "autoload -U +X bashcompinit && bashcompinit\ncomplete -o nospace -C %[1]s lormas\n",
	"fish": `function __complete_lormas
    set -lx COMP_LINE (commandline -cp)
    test -z (commandline -ct)
    and set COMP_LINE "$COMP_LINE "
    %[1]s
end
complete -f -c lormas -a "(__complete_lormas)"
`,
}

// Run prints the script: source <(lormas completion bash).
func (c completionCommand) Run(s Streams) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("where is this program? %w", err)
	}
	_, err = fmt.Fprintf(s.Out, scripts[c.Shell], program)
	return err
}
