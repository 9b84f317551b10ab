// Small comforts. Every page works without them.
"use strict";

// A button that copies what stands beside it; shown only where the browser can copy.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2500);
  });
}

// Show what is typed into a password field.
for (const field of document.querySelectorAll("input[data-show-label]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-quiet";
  button.setAttribute("aria-controls", field.id);
  const place = document.createElement("div");
  place.className = "with-toggle";
  // Errors stand behind the field as its siblings, and stay there.
  field.before(place);
  place.append(field, button);
  const tell = () => { button.textContent = field.type === "password" ? field.dataset.showLabel : field.dataset.hideLabel; };
  button.addEventListener("click", () => {
    field.type = field.type === "password" ? "text" : "password";
    tell();
  });
  field.form.addEventListener("submit", () => { field.type = "password"; });
  tell();
}

// A second click while the first is under way changes nothing.
for (const form of document.querySelectorAll("form[method=post]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// The language list closes as lists do.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll("details.languages[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.languages[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
