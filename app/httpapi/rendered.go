package httpapi

import "sync"

// pagesKept is how many status pages are kept rendered, twice at most: some 3 kB
// each, packed.
const pagesKept = 4096

// A pageCache keeps pages by their tags, which change with all that they show.
// Of what was not asked for lately it forgets a generation at a time. The zero
// pageCache is empty and ready.
type pageCache struct {
	mu       sync.Mutex
	now, old map[string][]byte
}

// get returns the page of a tag, nil if it is not kept.
func (c *pageCache) get(tag string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if page, ok := c.now[tag]; ok {
		return page
	}
	page := c.old[tag]
	if page != nil {
		c.put(tag, page)
	}
	return page
}

// keep keeps a page, which nobody may change any more.
func (c *pageCache) keep(tag string, page []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(tag, page)
}

func (c *pageCache) put(tag string, page []byte) {
	if len(c.now) >= pagesKept || c.now == nil {
		c.old, c.now = c.now, make(map[string][]byte, pagesKept)
	}
	c.now[tag] = page
}
