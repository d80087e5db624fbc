"use strict";
// Sorting and filtering of the tables, and links that open the card they lead to.
for (const table of document.querySelectorAll("table.board")) {
  const headings = [...table.tHead.rows[0].cells];
  const bodies = [...table.tBodies].filter((body) => !body.classList.contains("floor"));
  const lines = bodies.flatMap((body) => [...body.querySelectorAll("tr.line")]);
  lines.forEach((line, place) => { line.dataset.place = place; });

  const key = (line, column) => {
    const cell = line.cells[column];
    if (!("value" in cell.dataset)) return cell.textContent.trim().toLowerCase();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const sort = (column, sign) => {
    const compare = (one, other) => {
      const [a, b] = [key(one, column), key(other, column)];
      if (a === null || b === null) return (a === null) - (b === null);
      const order = typeof a === "number" ? a - b : a.localeCompare(b);
      return sign * order || one.dataset.place - other.dataset.place;
    };
    for (const body of bodies) body.append(...[...body.querySelectorAll("tr.line")].sort(compare));
  };

  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      sort(column, down ? -1 : 1);
    });
  });

  const filter = table.closest("section").querySelector(".filter");
  const [input, count] = [filter.querySelector("input"), filter.querySelector("output")];
  filter.hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const line of lines) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
    }
    for (const body of bodies) {
      body.hidden = [...body.querySelectorAll("tr.line")].every((line) => line.hidden);
    }
    const left = lines.filter((line) => !line.hidden).length;
    count.textContent = input.value.trim() ? `${left} of ${lines.length} lines` : "";
  });
}

const open = () => {
  const card = document.getElementById(location.hash.slice(1));
  if (card instanceof HTMLDetailsElement) {
    card.open = true;
    card.scrollIntoView();
  }
};
addEventListener("hashchange", open);
for (const link of document.querySelectorAll('a[href^="#line-"]')) {
  link.addEventListener("click", () => setTimeout(open)); // the same card again: no hash changes
}
open();
