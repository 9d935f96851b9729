
// Brings the page up to date in place: what is focused, selected or scrolled to stays. Without it the page shows what stood when it was
// loaded.
"use strict";
(() => {
  const page = document;
  const status = page.getElementById("up-to-date");
  const stops = (of) => [...of.querySelectorAll("a, [tabindex]")];
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  say("");

  const show = (next) => {
    const focused = stops(page).indexOf(page.activeElement);
    for (const part of ["header", "main"]) page.querySelector(part).replaceWith(page.adoptNode(next.querySelector(part)));
    if (focused >= 0) stops(page)[focused]?.focus({ preventScroll: true });
    // Read aloud, since nothing else tells who does not see the page.
    say(page.title === next.title ? "" : next.title);
    page.title = next.title;
    page.body.className = next.body.className;
  };

  const update = async () => {
    // Nobody looks, or somebody copies.
    if (page.hidden || !getSelection().isCollapsed) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      say("The watch does not answer: what stands here is old.");
    }
  };
  setInterval(update, Number(page.body.dataset.reloads) * 1000);
})();
