package cli

import "github.com/lormas/lormas/controller/internal/httpapi"

type openAPICommand struct{}

// Run prints the API's OpenAPI document.
func (openAPICommand) Run(s Streams) error {
	text, err := httpapi.Document()
	if err != nil {
		return err
	}
	_, err = s.Out.Write(text)
	return err
}
