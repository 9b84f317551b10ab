// A file can be dropped on the form, and its upload shows how far it is. Without this script the form works, too.
"use strict";

function prepare(page) {
  const form = page.querySelector("form[enctype]");
  const input = form.querySelector("input[type=file]");
  const area = form.querySelector("[data-drop]");
  const progress = form.querySelector("progress");
  const status = form.querySelector("[data-status]");
  const button = form.querySelector("button[type=submit]");

  for (const name of ["dragenter", "dragover"]) {
    area.addEventListener(name, (event) => { event.preventDefault(); area.classList.add("is-over"); });
  }
  area.addEventListener("dragleave", () => area.classList.remove("is-over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    const files = new DataTransfer();
    files.items.add(event.dataTransfer.files[0]);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    status.textContent = files.files[0].name;
  });

  const stop = (sentence) => {
    status.textContent = sentence;
    progress.hidden = true;
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (sent) => {
      if (!sent.lengthComputable) return;
      const percent = Math.floor((100 * sent.loaded) / sent.total);
      progress.value = percent;
      status.textContent = percent < 100 ? `${form.dataset.sending} ${percent} %` : form.dataset.checking;
    });
    request.addEventListener("load", () => {
      const answer = new DOMParser().parseFromString(request.responseText, "text/html").getElementById(page.id);
      if (request.status < 400) window.location.assign(request.responseURL);
      else if (answer) { page.replaceWith(answer); prepare(answer); }  // the form with its errors
      else stop(form.dataset.failed);
    });
    request.addEventListener("error", () => stop(form.dataset.failed));
    progress.hidden = false;
    button.disabled = true;
    request.send(new FormData(form));
  });
}

const page = document.getElementById("import-upload");
if (page) prepare(page);
