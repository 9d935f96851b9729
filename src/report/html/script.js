
// The page is whole without this. It adds: what a mark stands for under the pointer or the arrow keys, a filter for scans,
// buttons to copy commands, one button for all folds, and open folds on paper.
"use strict";
(() => {
  const page = document;
  const make = (name, text) => Object.assign(page.createElement(name), text === undefined ? {} : { textContent: text });
  page.documentElement.classList.add("js");

  for (const chart of page.querySelectorAll("[data-chart]")) {
    const detail = make("p");
    detail.className = "detail";
    detail.setAttribute("aria-live", "polite");
    chart.append(detail);
    for (const plot of chart.querySelectorAll("svg.plot")) {
      const marks = [...plot.querySelectorAll(".hit, .mark")];
      const tell = (mark) => { detail.textContent = mark.querySelector("title").textContent; };
      marks.forEach((mark, at) => {
        mark.setAttribute("tabindex", at === 0 ? "0" : "-1");
        mark.setAttribute("role", "img");
        mark.setAttribute("aria-label", mark.querySelector("title").textContent);
        mark.addEventListener("pointerenter", () => tell(mark));
        mark.addEventListener("focus", () => tell(mark));
        mark.addEventListener("keydown", (event) => {
          const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: marks.length - 1 };
          const next = marks[steps[event.key]];
          if (!next) return;
          event.preventDefault();
          mark.setAttribute("tabindex", "-1");
          next.setAttribute("tabindex", "0");
          next.focus();
        });
      });
    }
  }

  const groups = [...page.querySelectorAll(".scenario")];
  if (groups.length > 1) {
    const label = make("label", "Show scans of ");
    const choice = make("select");
    choice.id = "lane-filter";
    choice.append(make("option", "all scenarios"), ...groups.map((group) => make("option", group.dataset.scenario)));
    choice.addEventListener("change", () => {
      groups.forEach((group, at) => { group.hidden = choice.selectedIndex > 0 && choice.selectedIndex !== at + 1; });
    });
    label.append(choice);
    const tools = make("div");
    tools.className = "tools";
    tools.append(label);
    page.getElementById("lanes-by-scenario").before(tools);
  }

  for (const code of page.querySelectorAll(".code")) {
    const button = make("button", "Copy");
    button.type = "button";
    const source = code.querySelector("code");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        // Not every browser lets a local file reach the clipboard; what is selected can be copied by hand.
        getSelection().selectAllChildren(source);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.append(button);
  }

  const folds = [...page.querySelectorAll("details")];
  const all = make("button", "Unfold all");
  all.type = "button";
  all.addEventListener("click", () => {
    const open = folds.some((fold) => !fold.open);
    folds.forEach((fold) => { fold.open = open; });
    all.textContent = open ? "Fold all" : "Unfold all";
  });
  const item = make("li");
  item.append(all);
  page.querySelector("nav ul").append(item);

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = folds.filter((fold) => !fold.open && !fold.matches(".twin"));
    folded.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((fold) => { fold.open = false; }));
})();
