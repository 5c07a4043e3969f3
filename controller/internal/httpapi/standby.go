package httpapi

import (
	"fmt"

	"github.com/gofiber/fiber/v2"

	"github.com/lormas/lormas/controller/internal/fleet"
)

// standingBy answers for the API of a controller that stands by: it has
// nothing to say of its own, but knows who has. The dashboard's files, the
// probes and the broker's door are as ever.
func (s *Server) standingBy(c *fiber.Ctx) error {
	if s.Standby == nil || !isAPI(c.Path()) {
		return c.Next()
	}
	if active, standby := s.Standby(); standby {
		c.Set(fiber.HeaderRetryAfter, "2")
		return fleet.Errorf(fleet.Unavailable, "%s", standbyNotice(active))
	}
	return c.Next()
}

func standbyNotice(active string) string {
	if active == "" {
		return "this controller is just taking over: try again in a moment"
	}
	return fmt.Sprintf("this controller stands by; the active controller is %s", active)
}
