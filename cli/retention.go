package cli

import (
	"context"
	"log/slog"
	"time"

	"kabarchy/config"
	"kabarchy/store"
	"kabarchy/visa"
)

// eraseEvery is how often what is past its time is looked for: a day of erasure
// is over for at most so long before it is seen to.
const eraseEvery = time.Hour

// retain plans notices anew where their settings have changed, and erases what
// is past its time, now and then every hour. What fails is logged and done in an
// hour.
func retain(ctx context.Context, s *store.Store, log *slog.Logger) {
	tick := time.NewTicker(eraseEvery)
	defer tick.Stop()
	for {
		if n, err := s.Replan(ctx); err != nil && ctx.Err() == nil {
			log.Error("cannot plan notices anew", "error", err)
		} else if n > 0 {
			log.Info("notices are planned anew, by the settings in effect", "changed", n)
		}
		if n, err := s.Erase(ctx); err != nil && ctx.Err() == nil {
			log.Error("cannot erase what is past its time", "error", err)
		} else if n > 0 {
			log.Info("erased applications that were past their time", "applications", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// campaignEnds are the last days of campaigns, by their names.
func campaignEnds(c config.Config) map[string]visa.Date {
	if len(c.CampaignEnds) == 0 {
		return nil
	}
	ends := make(map[string]visa.Date, len(c.CampaignEnds))
	for _, e := range c.CampaignEnds {
		ends[e.Campaign] = visa.DateOf(e.LastDay)
	}
	return ends
}
