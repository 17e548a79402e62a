package simulator

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A Command is one line of the bot's menu.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// profile is what the bot has said of itself, by language.
type profile struct {
	commands map[string][]Command      // by scope and language
	texts    map[string]string         // by name and language
	menu     map[int64]json.RawMessage // by chat; 0: everyone
}

var (
	commandName     = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	languagePattern = regexp.MustCompile(`^([a-z]{2})?$`)
)

func profileKey(name, language string) string { return name + "|" + language }

// readScope returns the key of a set of commands, or what is wrong with it.
func readScope(p params) (string, *apiError) {
	language := p.get("language_code")
	if !languagePattern.MatchString(language) {
		return "", badRequest("invalid language code specified")
	}
	scope := struct {
		Type string          `json:"type"`
		Chat json.RawMessage `json:"chat_id"`
		User int64           `json:"user_id"`
	}{Type: "default"}
	if raw := p.get("scope"); raw != "" {
		if err := unmarshalString(raw, &scope); err != nil {
			return "", badRequest("can't parse BotCommandScope JSON object")
		}
	}
	switch scope.Type {
	case "default", "all_private_chats", "all_group_chats", "all_chat_administrators":
		return profileKey(scope.Type, language), nil
	case "chat", "chat_administrators", "chat_member":
		return profileKey(scope.Type+" "+strings.Trim(string(scope.Chat), `"`), language), nil
	}
	return "", badRequest("can't parse BotCommandScope: unsupported type specified")
}

func (s *Simulator) getMe(*call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(struct {
		User
		JoinGroups bool `json:"can_join_groups"`
		ReadAll    bool `json:"can_read_all_group_messages"`
		Inline     bool `json:"supports_inline_queries"`
	}{s.bot, true, true, false})
}

func (s *Simulator) setMyCommands(c *call) answer {
	key, e := readScope(c.p)
	if e != nil {
		return refuse(e)
	}
	var list []Command
	if err := unmarshalString(c.p.get("commands"), &list); err != nil {
		return refuse(badRequest("can't parse commands JSON object"))
	}
	if len(list) > 100 {
		return refuse(badRequest("BOT_COMMANDS_TOO_MUCH"))
	}
	for i := range list {
		list[i].Command = strings.TrimPrefix(list[i].Command, "/")
		if !commandName.MatchString(list[i].Command) {
			return refuse(badRequest("BOT_COMMAND_INVALID"))
		}
		if n := utf16Len(list[i].Description); n < 1 || n > 256 {
			return refuse(badRequest("BOT_COMMAND_DESCRIPTION_INVALID"))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profile.commands == nil {
		s.profile.commands = map[string][]Command{}
	}
	s.profile.commands[key] = list
	s.changedLocked()
	s.pageRev = s.rev
	return ok(true)
}

func (s *Simulator) getMyCommands(c *call) answer {
	key, e := readScope(c.p)
	if e != nil {
		return refuse(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.profile.commands[key]; list != nil {
		return ok(list)
	}
	return ok([]Command{})
}

func (s *Simulator) deleteMyCommands(c *call) answer {
	key, e := readScope(c.p)
	if e != nil {
		return refuse(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.profile.commands, key)
	s.changedLocked()
	s.pageRev = s.rev
	return ok(true)
}

// Commands returns the menu that a person with this language sees in a private
// chat.
func (s *Simulator) Commands(language string) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commandsLocked(language)
}

func (s *Simulator) commandsLocked(language string) []Command {
	language, _, _ = strings.Cut(language, "-")
	for _, scope := range []string{"all_private_chats", "default"} {
		for _, l := range []string{language, ""} {
			if list := s.profile.commands[profileKey(scope, l)]; len(list) > 0 {
				return list
			}
		}
	}
	return nil
}

// Description returns what an empty chat shows of the bot in a language.
func (s *Simulator) Description(language string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.descriptionLocked(language)
}

func (s *Simulator) descriptionLocked(language string) string {
	language, _, _ = strings.Cut(language, "-")
	if text := s.profile.texts[profileKey("description", language)]; text != "" {
		return text
	}
	return s.profile.texts[profileKey("description", "")]
}

// setText returns the method that sets one of the bot's texts in a language;
// maxUnits is in UTF-16 code units.
func setText(name string, maxUnits int) func(*Simulator, *call) answer {
	return func(s *Simulator, c *call) answer {
		language, text := c.p.get("language_code"), c.p.get(name)
		if !languagePattern.MatchString(language) {
			return refuse(badRequest("invalid language code specified"))
		}
		if utf16Len(text) > maxUnits {
			return refuse(badRequest(strings.ReplaceAll(name, "_", " ") + " is too long"))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.profile.texts == nil {
			s.profile.texts = map[string]string{}
		}
		s.profile.texts[profileKey(name, language)] = text
		s.changedLocked()
		s.pageRev = s.rev
		return ok(true)
	}
}

func getText(name string) func(*Simulator, *call) answer {
	return func(s *Simulator, c *call) answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		text := s.profile.texts[profileKey(name, c.p.get("language_code"))]
		if name == "name" && text == "" {
			text = s.bot.FirstName
		}
		return ok(map[string]string{name: text})
	}
}

func (s *Simulator) setChatMenuButton(c *call) answer {
	raw := c.p.get("menu_button")
	if raw == "" {
		raw = `{"type":"default"}`
	}
	var b struct {
		Type string `json:"type"`
	}
	if err := unmarshalString(raw, &b); err != nil || b.Type != "commands" && b.Type != "web_app" && b.Type != "default" {
		return refuse(badRequest("can't parse menu button: MenuButton has unsupported type"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profile.menu == nil {
		s.profile.menu = map[int64]json.RawMessage{}
	}
	s.profile.menu[c.chat] = json.RawMessage(raw)
	return ok(true)
}

func (s *Simulator) getChatMenuButton(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if raw := s.profile.menu[c.chat]; raw != nil {
		return ok(raw)
	}
	return ok(json.RawMessage(`{"type":"default"}`))
}
