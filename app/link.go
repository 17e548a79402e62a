package app

import (
	"context"
	"errors"

	"kabarchy/visa"
)

// A Linker makes deep links to the bot.
type Linker interface {
	// NewLink makes a single-use token that stands for a reference, and the
	// four digits that the true bot greets with.
	NewLink(ctx context.Context, ref visa.Reference) (token, digits string, err error)
}

var errNoLinks = errors.New("app: there is nothing to make links with")

// NewLink makes a deep link's token and its digits. Whoever calls it has
// looked the reference up for the same reader before.
func (s *Service) NewLink(ctx context.Context, ref visa.Reference) (token, digits string, err error) {
	if s.links == nil {
		return "", "", errNoLinks
	}
	return s.links.NewLink(ctx, ref)
}
