// Keys on the page of a case: each opens an action and focuses its first field or button; "?" shows the list.
"use strict";

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key === "?") {
    const list = document.getElementById("shortcuts");
    list.open = !list.open;
    list.querySelector("summary").focus();
    event.preventDefault();
    return;
  }
  const shortcut = [...document.querySelectorAll("[data-shortcut]")].find((each) => each.dataset.shortcut === event.key);
  const action = shortcut && document.querySelector(`details[data-for="${shortcut.dataset.opens}"]`);
  if (!action) {
    return;
  }
  action.open = true;
  const required = action.querySelector("textarea[required], input[required], select[required]");
  (required || action.querySelector("button[type=submit]")).focus();
  event.preventDefault();
  event.stopPropagation();
});
