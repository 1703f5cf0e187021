// Accessibility faults of the page as a list of sentences; none is an empty list. WCAG 2.2 criteria in brackets.
() => {
  const faults = [];
  const fault = (what, element) => faults.push(`${what}: ${element ? element.outerHTML.slice(0, 120) : ""}`);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const visible = (e) => e.checkVisibility() && !e.closest(".unseen");

  // [3.1.1], [2.4.2], [1.3.1]
  if (document.documentElement.lang !== "en") fault("no language", document.documentElement);
  if (!document.title.trim()) fault("no title", document.head);
  if (all("h1").length !== 1) fault("not one h1", document.body);
  if (all("main").length !== 1) fault("not one main", document.body);
  if (all("header").length > 1) fault("several banners", document.body);
  for (const e of all("body *")) {
    if (visible(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.closest("main, header"))
      fault("text outside of landmarks", e);
  }
  const levels = all("h1, h2, h3, h4").map((e) => +e.tagName[1]);
  if (levels.some((level, at) => level > (levels[at - 1] ?? 0) + 1)) fault("headings skip a level", document.body);

  // [4.1.2], [1.3.1], [2.4.4]: everything that takes input has a label, everything to press a name.
  for (const e of all("input:not([type=hidden]), textarea")) {
    const named = [...(e.labels ?? [])].some((label) => label.textContent.trim());
    if (!named) fault("no label", e);
  }
  for (const e of all("button, a")) if (!e.textContent.trim()) fault("no name", e);
  for (const e of all("a")) if (!e.getAttribute("href")) fault("no target", e);
  for (const e of all("input[type=radio]")) {
    if (!e.closest("fieldset")?.querySelector("legend")?.textContent.trim()) fault("no group", e);
  }
  for (const e of all("progress")) {
    if (!document.getElementById(e.getAttribute("aria-labelledby"))) fault("no name", e);
  }

  // Ids once, and every reference leads somewhere.
  const ids = all("[id]").map((e) => e.id);
  if (new Set(ids).size !== ids.length) fault("an id twice", document.body);
  for (const attribute of ["aria-describedby", "aria-labelledby", "for"]) {
    for (const e of all(`[${attribute}]`)) {
      for (const id of e.getAttribute(attribute).split(" ")) {
        if (!document.getElementById(id)) fault(`${attribute} leads nowhere`, e);
      }
    }
  }
  for (const e of all("a[href^='#']")) if (!document.querySelector(e.hash)) fault("link leads nowhere", e);

  // Nothing hidden from readers can be reached, and no order of its own is made.
  for (const e of all("[tabindex]")) if (e.tabIndex > 0) fault("an order of its own", e);
  for (const e of all("[aria-hidden=true] *")) if (e.tabIndex >= 0 && e.matches("a, input, button")) fault("reachable and hidden", e);

  // [1.4.3]: contrast of the colours as computed, on the first background that is not clear.
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const clear = (colour) => channels(colour)[3] === 0;
  const background = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!clear(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const e of all("body *")) {
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says || !visible(e)) continue;
    const [low, high] = [light(getComputedStyle(e).color), light(background(e))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) fault(`contrast ${ratio.toFixed(2)}`, e);
  }
  return faults;
}
