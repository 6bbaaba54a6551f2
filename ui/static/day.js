// Keys for a practitioner's day: j and k go through the requests, a approves, d opens declining.
const requests = [...document.querySelectorAll("[data-request]")];
let at = -1;

addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j" || event.key === "k") {
    at = Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), requests.length - 1);
    requests[at]?.querySelector("button").focus();
  } else if (event.key === "a" && at >= 0) {
    requests[at].querySelector("[data-key=a]").click();
  } else if (event.key === "d" && at >= 0) {
    event.preventDefault();
    const details = requests[at].querySelector("details");
    details.open = true;
    details.querySelector("input").focus();
  }
});
