// Inserts an answer template into the text without loading the page again. Without scripts, the button submits the form.
"use strict";

for (const answer of document.querySelectorAll("[data-answer]")) {
  const button = answer.querySelector("[data-insert]");
  const textarea = answer.querySelector("textarea");
  const unfilled = answer.querySelector("[data-unfilled]");

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    if (!answer.querySelector("select").value) {
      return;
    }
    let template;
    try {
      const response = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(button.form),
        headers: { Accept: "application/json" },
      });
      template = await response.json();
    } catch {
      button.form.requestSubmit(button); // the page says what is wrong, for example that the session has ended
      return;
    }
    const typed = textarea.value.trim();
    textarea.value = typed ? `${typed}\n\n${template.text}` : template.text;
    unfilled.textContent = `${unfilled.dataset.text} ${template.unfilled.join(", ")}`;
    unfilled.hidden = template.unfilled.length === 0;
    textarea.focus();
  });
}
