// Tells at once when chosen files are too many or too large, before they are sent over a slow line.
// What is taken is decided by the server, and told by it, too.
"use strict";

for (const input of document.querySelectorAll("input[type=file][data-max-bytes]")) {
  const { maxBytes, maxFiles, tooLarge, tooMany } = input.dataset;
  const place = document.createElement("div");
  place.className = "invalid-feedback d-block";
  place.setAttribute("role", "alert");
  input.after(place);
  input.addEventListener("change", () => {
    const files = Array.from(input.files);
    const told = files.filter((file) => file.size > Number(maxBytes)).map((file) => tooLarge.replace("%s", () => file.name));
    if (files.length > Number(maxFiles)) told.unshift(tooMany);
    place.replaceChildren(...told.map((sentence) => {
      const line = document.createElement("div");
      line.textContent = sentence;
      return line;
    }));
  });
}
