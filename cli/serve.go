package cli

import "context"

type serveCommand struct {
	Role string `enum:"api,notifier,all" default:"all" help:"What this process does: api, notifier, or all." placeholder:"ROLE"`
}

func (s serveCommand) Run(ctx context.Context, a *app) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	role := s.Role
	if role == "all" {
		role = roleAll
	}
	log := a.logger(c)
	service, err := newService(ctx, c, role, log)
	if err != nil {
		return err
	}
	address := ""
	if service.public != nil {
		address = service.public.Addr().String()
	}
	log.Info("serving", "version", Version(), "address", address, "admin", service.admin.Addr().String())
	return service.run(ctx)
}
