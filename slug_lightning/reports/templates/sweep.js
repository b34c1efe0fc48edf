"use strict";
const table = document.querySelector("#all table"), body = table.tBodies[0], rows = [...body.rows];
const find = document.querySelector("#find"), status = document.querySelector("#status");
const shown = document.querySelector("#shown");

function narrow() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !(status.value === "" || row.dataset.status === status.value) || !words.every(w => text.includes(w));
    count += !row.hidden;
  }
  shown.textContent = count === rows.length ? "" : `${count} of ${rows.length}`;
}

function value(row, column) {
  const cell = row.cells[column], number = cell.dataset.value;
  return number === undefined ? cell.textContent.trim() : number === "" ? null : Number(number);
}

function compare(a, b) {
  return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true, sensitivity: "base" });
}

function sort(head) {
  const down = head.ariaSort === "ascending" || (head.classList.contains("number") && head.ariaSort === null);
  for (const other of head.parentElement.cells) other.ariaSort = null;
  head.ariaSort = down ? "descending" : "ascending";
  const keys = new Map(rows.map(row => [row, value(row, head.cellIndex)]));
  const empty = row => keys.get(row) === null || keys.get(row) === "";
  rows.sort((a, b) => empty(a) - empty(b) || (empty(a) ? 0 : (down ? -1 : 1) * compare(keys.get(a), keys.get(b))));
  body.append(...rows);
}

for (const head of table.tHead.rows[0].cells) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...head.childNodes);
  button.addEventListener("click", () => sort(head));
  head.append(button);
}
find.addEventListener("input", narrow);
status.addEventListener("input", narrow);
document.querySelector("#tools").hidden = false;
narrow(); // what a reload has left in the fields
