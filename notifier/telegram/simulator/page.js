// Shows new messages as they come. Without it the page reloads itself.
"use strict";
(() => {
  const parts = ["state", "note"];
  let busy = false, again = false, later = 0;

  // Keeps every child that did not change, so that a screen reader hears only
  // what is new and a focused button keeps the focus.
  const merge = (from, to) => {
    const fresh = [...from.children], wanted = new Set(fresh.map((e) => e.id));
    for (const child of [...to.children]) if (!wanted.has(child.id)) child.remove();
    let at = to.firstElementChild;
    for (const next of fresh) {
      let node = [...to.children].find((e) => e.id === next.id);
      if (node && node.outerHTML !== next.outerHTML) {
        const focused = node.contains(document.activeElement);
        if (at === node) at = next;
        node.replaceWith(next);
        node = next;
        if (focused) node.querySelector("a, button")?.focus();
      }
      node ??= next;
      if (node === at) at = at.nextElementSibling;
      else to.insertBefore(node, at);
    }
  };

  const update = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, {cache: "no-store"});
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["chats", "log"]) {
        const a = document.getElementById(id), b = page.getElementById(id);
        if (a && b) merge(b, a);
      }
      for (const id of parts) {
        const a = document.getElementById(id), b = page.getElementById(id);
        if (a && b && a.innerHTML !== b.innerHTML) a.innerHTML = b.innerHTML;
      }
      clearTimeout(later);
      if (document.querySelector("#note p")) later = setTimeout(update, 9000);
      const a = document.getElementById("write"), b = page.getElementById("write");
      const shape = (e) => { const c = e.cloneNode(true); for (const d of c.querySelectorAll("details")) d.open = false; return c.innerHTML; };
      if (a && b && shape(a) !== shape(b)) {
        const text = document.getElementById("text"), typed = text ? text.value : "", focused = document.activeElement === text;
        a.innerHTML = b.innerHTML;
        const now = document.getElementById("text");
        if (now) { now.value = typed; if (focused) now.focus(); }
      }
    } catch (e) {
      console.warn("simulator: page not updated:", e);
    } finally {
      busy = false;
      if (again) { again = false; update(); }
    }
  };

  const source = new EventSource("/simulator/events?rev=" + document.body.dataset.rev);
  source.onmessage = update;

  document.addEventListener("submit", async (e) => {
    const form = e.target, button = e.submitter;
    if (!document.getElementById("log") || !document.querySelector("main").contains(form)) return;
    if (/\/(start|restart)$/.test(form.action)) return;
    e.preventDefault();
    const data = new URLSearchParams(new FormData(form, button));
    const answer = await fetch(form.action, {method: "POST", body: data, redirect: "manual"});
    if (answer.type !== "opaqueredirect") { form.submit(); return; }
    if (form.classList.contains("compose")) form.reset();
    update();
  });

  document.addEventListener("keydown", (e) => {
    if (e.target.id === "text" && e.key === "Enter" && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      e.target.form.requestSubmit();
    }
  });
})();
