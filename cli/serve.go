package cli

import (
	"context"
	"log/slog"

	"kabarchy/config"
)

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
	if c.ProofRequired && !c.TelegramToken.IsZero() && role != roleAPI {
		return unusable("PROOF=required and TELEGRAM_TOKEN do not go together yet: the bot cannot ask for the proof, and would show applications without it; leave one of them out")
	}
	log := a.logger(c)
	warnOfUnused(c, log)
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

// warnOfUnused says which settings are checked and have no effect: whoever set
// one relies on it.
func warnOfUnused(c config.Config, log *slog.Logger) {
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"REDIS_URL", !c.RedisURL.IsZero()},
	} {
		if s.set {
			log.Warn("this version does nothing with this setting", "setting", s.name)
		}
	}
	if len(c.CampaignEnds) > 0 && c.RetentionDays == 0 {
		log.Warn("CAMPAIGN_ENDS has no effect where RETENTION is 0: nothing is erased")
	}
}
