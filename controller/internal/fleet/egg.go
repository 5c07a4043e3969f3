package fleet

import (
	"time"

	"github.com/lormas/lormas/shared/egg"
	"github.com/lormas/lormas/shared/id"
)

// Egg is a template in the store: the egg itself and where it is filed.
type Egg struct {
	ID         id.EggID
	CategoryID *id.EggCategoryID
	Egg        egg.Egg
	Generation int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// EggCategory is a drawer for eggs.
type EggCategory struct {
	ID          id.EggCategoryID
	Name        string
	Description string
	Generation  int64
	CreatedAt   time.Time
}
