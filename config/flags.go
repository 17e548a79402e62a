package config

import "reflect"

// Flags are the settings that can be given on the command line; nil means not
// given. The tags are those that the command line's parser reads. Secrets have
// no flag: every user of the machine sees the arguments of its processes.
type Flags struct {
	Config *string `name:"config" help:"Read settings from this file." placeholder:"FILE"`

	Listen             *string `name:"listen" help:"Address of the public pages and API." placeholder:"HOST:PORT"`
	AdminListen        *string `name:"admin-listen" help:"Address of probes and metrics; keep it private." placeholder:"HOST:PORT"`
	DatabaseURL        *string `name:"database-url" help:"sqlite:PATH or postgres://…; with a password, prefer the environment." placeholder:"URL"`
	RedisURL           *string `name:"redis-url" help:"redis://… or rediss://…; with a password, prefer the environment." placeholder:"URL"`
	TelegramAPIURL     *string `name:"telegram-api-url" help:"Bot API server." placeholder:"URL"`
	TelegramProxy      *string `name:"telegram-proxy" help:"Proxy on the way to Telegram; with a password, prefer the environment." placeholder:"URL"`
	TelegramWebhookURL *string `name:"telegram-webhook-url" help:"Where Telegram delivers updates; empty for long polling." placeholder:"URL"`
	PublicURL          *string `name:"public-url" help:"Where people find the pages." placeholder:"URL"`
	ReferencePattern   *string `name:"reference-pattern" help:"Regular expression that a whole reference must match." placeholder:"REGEXP"`
	ReferenceCheck     *string `name:"reference-check" help:"Check digits of references: none, or mod37,36." placeholder:"SCHEME"`
	Proof              *string `name:"proof" help:"Whether a look-up needs the second factor: none, or required." placeholder:"WHEN"`
	RateLimit          *string `name:"rate-limit" help:"Look-ups a minute per client; 0 for no limit." placeholder:"N"`
	RateBurst          *string `name:"rate-burst" help:"Look-ups at once per client." placeholder:"N"`
	MissLimit          *string `name:"miss-limit" help:"Distinct unknown references an hour per client, 1 to 60." placeholder:"N"`
	Timezone           *string `name:"timezone" help:"Zone of dates and deadlines." placeholder:"ZONE"`
	Reminders          *string `name:"reminders" help:"Days before a deadline, and the hour, at which to remind." placeholder:"RULES"`
	QuietHours         *string `name:"quiet-hours" help:"When no reminder is sent, such as 22:00-07:00." placeholder:"HH:MM-HH:MM"`
	PendingLong        *string `name:"pending-long" help:"Days without a change of stage after which followers are told once, such as 30d; 0 for never." placeholder:"DAYS"`
	FeedStale          *string `name:"feed-stale" help:"How old the register's last complete feed may be before a heartbeat says that there is no data." placeholder:"DURATION"`
	CampaignEnds       *string `name:"campaign-ends" help:"Last day of each campaign, after which RETENTION counts." placeholder:"CAMPAIGN=DAY"`
	TrustedProxies     *string `name:"trusted-proxies" help:"Networks whose X-Forwarded-For is believed." placeholder:"NETWORKS"`
	Retention          *string `name:"retention" help:"How long applications are kept once closed, or their campaign is over, such as 365d; 0 for ever." placeholder:"DAYS"`
	Reasons            *string `name:"reasons" help:"JSON file with the reasons' texts." placeholder:"FILE"`
	Guidance           *string `name:"guidance" help:"File with the guidance shown beside an answer." placeholder:"FILE"`
	Pace               *string `name:"pace" help:"Messages a second, over all chats." placeholder:"N"`
	CacheSize          *string `name:"cache-size" help:"Answers kept in memory." placeholder:"N"`
	LogFormat          *string `name:"log-format" help:"text or json." placeholder:"FORMAT"`
	LogLevel           *string `name:"log-level" help:"debug, info, warn or error." placeholder:"LEVEL"`
	ShutdownTimeout    *string `name:"shutdown-timeout" help:"How long requests in flight may take to end." placeholder:"DURATION"`
}

// given returns the flags that were given, by the names they have there.
func (f Flags) given() map[string]string {
	given := map[string]string{}
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		if text, ok := v.Field(i).Interface().(*string); ok && text != nil {
			given[v.Type().Field(i).Tag.Get("name")] = *text
		}
	}
	return given
}
