// Drag and drop, and progress, for the form that uploads a file; without this the form works as it is.
const form = document.getElementById("upload");
const drop = form.querySelector(".drop");
const input = form.querySelector("input[type=file]");
const progress = form.querySelector("progress");

for (const name of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length > 0) input.files = event.dataTransfer.files;
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  progress.hidden = false;
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.responseType = "document";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    progress.value = (100 * loaded) / total;
  });
  // The answer is a page: the list after a success, the form with its error otherwise.
  request.addEventListener("load", () => {
    if (request.status === 200 && request.responseURL.includes("done=")) {
      location.assign(request.responseURL);
      return;
    }
    const error = request.response && request.response.getElementById("file-error");
    say(error ? error.textContent : "This did not work. Try again.");
  });
  request.addEventListener("error", () => say("The connection broke off. Try again."));
  request.send(new FormData(form));

  function say(words) {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    progress.hidden = true;
    let line = document.getElementById("file-error");
    if (!line) {
      line = document.createElement("p");
      line.className = "error";
      line.id = "file-error";
      line.setAttribute("role", "alert");
      drop.after(line);
    }
    line.textContent = words;
    input.focus();
  }
});
