package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxButtons is how many inline buttons Telegram takes in one message.
const maxButtons = 100

// markup is what a reply_markup asks for.
type markup struct {
	buttons        [][]Button
	keyboard       [][]string
	removeKeyboard bool
}

func unmarshalString(raw string, v any) error { return json.Unmarshal([]byte(raw), v) }

// readMarkup reads and checks a reply_markup; "" asks for nothing.
func readMarkup(raw string) (markup, *apiError) {
	if raw == "" {
		return markup{}, nil
	}
	var in struct {
		Inline   *[][]json.RawMessage `json:"inline_keyboard"`
		Keyboard *[][]json.RawMessage `json:"keyboard"`
		Remove   bool                 `json:"remove_keyboard"`
		Force    bool                 `json:"force_reply"`
	}
	if err := unmarshalString(raw, &in); err != nil {
		if json.Valid([]byte(raw)) && !strings.HasPrefix(strings.TrimSpace(raw), "{") {
			return markup{}, badRequest("object expected as reply markup")
		}
		return markup{}, badRequest("can't parse reply keyboard markup JSON object")
	}
	switch {
	case in.Inline != nil:
		return inlineMarkup(*in.Inline)
	case in.Keyboard != nil:
		return keyboardMarkup(*in.Keyboard)
	}
	return markup{removeKeyboard: in.Remove}, nil
}

// inlineMarkup checks inline buttons: each has a text and does exactly one
// thing; callback data has 1 to 64 bytes. Kinds of buttons that a simulator has
// no use for (web apps, payments, games) are refused by saying so.
func inlineMarkup(rows [][]json.RawMessage) (markup, *apiError) {
	var m markup
	n := 0
	for _, row := range rows {
		var out []Button
		for _, raw := range row {
			b, err := inlineButton(raw)
			if err != nil {
				return markup{}, err
			}
			out = append(out, b)
			n++
		}
		if len(out) > 0 {
			m.buttons = append(m.buttons, out)
		}
	}
	if n > maxButtons {
		return markup{}, badRequest("reply markup is too long")
	}
	return m, nil
}

func inlineButton(raw json.RawMessage) (Button, *apiError) {
	var in struct {
		Text *string `json:"text"`
		Data *string `json:"callback_data"`
		URL  *string `json:"url"`
	}
	const prefix = "can't parse inline keyboard button: "
	if err := json.Unmarshal(raw, &in); err != nil {
		return Button{}, badRequest(prefix + "InlineKeyboardButton must be an Object")
	}
	switch {
	case in.Text == nil:
		return Button{}, badRequest(prefix + `Can't find field "text"`)
	case *in.Text == "":
		return Button{}, badRequest("BUTTON_TEXT_INVALID")
	case in.URL != nil:
		link := checkedLink(*in.URL)
		if link == "" {
			return Button{}, badRequest(fmt.Sprintf("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", *in.URL))
		}
		return Button{Text: *in.Text, URL: link}, nil
	case in.Data != nil:
		if n := len(*in.Data); n < 1 || n > 64 {
			return Button{}, badRequest("BUTTON_DATA_INVALID")
		}
		return Button{Text: *in.Text, Data: *in.Data}, nil
	}
	return Button{}, badRequest(prefix + "Text buttons are unallowed in the inline keyboard")
}

// keyboardMarkup reads a reply keyboard; each button is a string or an object
// with a text.
func keyboardMarkup(rows [][]json.RawMessage) (markup, *apiError) {
	var m markup
	for _, row := range rows {
		var out []string
		for _, raw := range row {
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				var b struct {
					Text *string `json:"text"`
				}
				if err := json.Unmarshal(raw, &b); err != nil || b.Text == nil {
					return markup{}, badRequest(`can't parse keyboard button: Can't find field "text"`)
				}
				text = *b.Text
			}
			if text == "" {
				return markup{}, badRequest("keyboard button text must be non-empty")
			}
			out = append(out, text)
		}
		if len(out) > 0 {
			m.keyboard = append(m.keyboard, out)
		}
	}
	return m, nil
}

// sameButtons reports whether two inline keyboards are the same.
func sameButtons(a, b [][]Button) bool {
	return slices.EqualFunc(a, b, func(x, y []Button) bool { return slices.Equal(x, y) })
}
