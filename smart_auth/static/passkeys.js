// Signs in by a passkey, and adds one. Without this file passwords work all the same.

const bytes = (text) => {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
};

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

async function post(address, content) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message ?? found.detail ?? "Try again.");
  return found;
}

function show(error) {
  const place = document.getElementById("passkey-error");
  const cancelled = error.name === "NotAllowedError" || error.name === "AbortError";
  place.textContent = cancelled ? "No passkey was used. Try again, or use your password." : error.message;
  place.hidden = false;
}

async function signIn(next) {
  const options = await post("/auth/api/passkey/authentication", {});
  const found = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: [] },
  });
  const { response } = found;
  const answer = await post("/auth/api/passkey/login", {
    next,
    credential: {
      id: found.id,
      rawId: text(found.rawId),
      type: found.type,
      response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : null,
      },
    },
  });
  location.assign(answer.next);
}

async function add(form) {
  const csrf = form.elements.csrf.value;
  const password = form.elements.passkey_password.value;
  const options = await post("/auth/api/passkey/registration", { csrf, password });
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map((each) => ({ ...each, id: bytes(each.id) })),
    },
  });
  await post("/auth/api/passkey", {
    csrf,
    name: form.elements.passkey_name.value,
    credential: {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
        transports: made.response.getTransports?.() ?? [],
      },
    },
  });
  location.assign("/auth/account?done=passkey");
}

if (window.PublicKeyCredential) {
  const button = document.getElementById("passkey");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => signIn(button.dataset.next).catch(show));
  }
  const form = document.getElementById("add-passkey");
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      add(form).catch(show);
    });
  }
}
