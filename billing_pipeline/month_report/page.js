"use strict";
// Search and sort. Without this script the page shows everything, in the same order.

function addSearch(place, rows) {
  const input = document.createElement("input");
  const count = document.createElement("output");
  input.type = "search";
  input.placeholder = "Search";
  input.setAttribute("aria-label", `Search: ${place.getAttribute("aria-label")}`);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    count.textContent = input.value ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
  place.before(input, count);
}

// A number as the page writes it; what is no number is the smallest.
function number(text) {
  const value = parseFloat(text.replace(/[,+±]/g, "").replace("−", "-"));
  return Number.isNaN(value) ? -Number.MAX_VALUE : value;
}

function sortBy(heading, body) {
  const isNumber = heading.className === "n";
  const before = heading.getAttribute("aria-sort");
  const rises = before ? before === "descending" : !isNumber;
  const text = (row) => row.cells[heading.cellIndex].textContent.trim();
  const compare = isNumber
    ? (a, b) => number(text(a)) - number(text(b))
    : (a, b) => text(a).localeCompare(text(b), undefined, { numeric: true });
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rises ? "ascending" : "descending");
  body.append(...[...body.rows].sort((a, b) => (rises ? compare(a, b) : compare(b, a))));
}

for (const box of document.querySelectorAll(".table")) {
  const body = box.querySelector("tbody");
  if (body.rows.length < 2) continue;
  if (body.rows.length > 8) addSearch(box, [...body.rows]);
  for (const heading of box.querySelectorAll("thead th")) {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading, body));
    heading.append(button);
  }
}
for (const list of document.querySelectorAll(".details")) addSearch(list, [...list.querySelectorAll("details")]);
