"use strict";
// The workbench works without this file; with it, it answers to keys, and to the theme at once.
(() => {
  const root = document.documentElement;
  const one = (query, from = document) => from.querySelector(query);
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const typing = (target) => target.matches("input,textarea,select,[contenteditable]");

  // Theme: auto, light, dark and round again; the link does the same where scripts are off.
  const theme = one("#theme");
  theme?.addEventListener("click", (event) => {
    event.preventDefault();
    const dark = matchMedia("(prefers-color-scheme:dark)").matches;
    const now = root.dataset.theme === "auto" ? (dark ? "dark" : "light") : root.dataset.theme;
    root.dataset.theme = now === "dark" ? "light" : "dark";
    document.cookie = `isthmus-theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  });

  // A choice that leads somewhere goes there when it is made.
  all("select[data-go]").forEach((choice) => choice.addEventListener("change", () => choice.form.submit()));

  // One source card at a time; Escape closes it and gives the focus back.
  const cards = () => all("details.source[open]");
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details.source") && event.target.open) {
      cards().filter((card) => card !== event.target).forEach((card) => (card.open = false));
    }
  }, true);
  document.addEventListener("click", (event) => {
    cards().filter((card) => !card.contains(event.target)).forEach((card) => (card.open = false));
  });

  // Keys: "/" searches, "g" and a letter open a page, "?" tells them, arrows walk through cells.
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      cards().forEach((card) => { card.open = false; one("summary", card).focus(); });
      one("#keys")?.close?.();
      if (typing(event.target)) event.target.blur();
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      one("#search")?.focus();
    } else if (event.key === "?") {
      one("#keys")?.showModal();
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1500) {
      going = 0;
      const link = one(`nav [data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key.startsWith("Arrow") && event.target.closest("[data-cells]")) {
      walk(event);
    } else {
      const act = one(`[data-press="${CSS.escape(event.key)}"]`);
      if (act) { event.preventDefault(); act.click(); }
    }
  });

  function walk(event) {
    const cell = event.target.closest("td,th");
    const row = cell?.parentElement;
    if (!row) return;
    const at = [...row.cells].indexOf(cell);
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const [down, right] = steps[event.key] ?? [0, 0];
    const rows = [...row.closest("table").rows];
    const next = rows[rows.indexOf(row) + down]?.cells[at + right];
    const target = next && one("a,button,[tabindex]", next);
    if (target) { event.preventDefault(); target.focus(); }
  }

  // Back to a form that was refused, as the browser keeps it with what was filled in.
  one("[data-back]")?.addEventListener("click", (event) => {
    if (history.length > 1) { event.preventDefault(); history.back(); }
  });

  // Work that runs: the server tells it, line by line, and the page shows it.
  const run = one("[data-events]");
  if (run && window.EventSource) {
    const events = new EventSource(run.dataset.events);
    events.addEventListener("step", (event) => {
      const step = JSON.parse(event.data);
      let line = one(`[data-task="${CSS.escape(step.task)}"]`, run);
      if (!line) {
        line = one("template", run).content.firstElementChild.cloneNode(true);
        line.dataset.task = step.task;
        one("[data-name]", line).textContent = step.called;
        one("[data-lines]", run).append(line);
      }
      one("[data-told]", line).textContent = step.told;
      one("rect:last-child", line).setAttribute("width", String(step.share));
      line.dataset.state = step.state;
    });
    events.addEventListener("end", () => { events.close(); location.reload(); });
  }

  // What is put into a list narrows it at once.
  all("input[data-narrow]").forEach((field) => field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    all(`${field.dataset.narrow} tbody tr`).forEach((row) => {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    });
  }));

  // A form is sent once, however often its button is pressed.
  all("form[method=post]").forEach((form) => form.addEventListener("submit", () => {
    setTimeout(() => all("button", form).forEach((button) => (button.disabled = true)));
  }));
})();
