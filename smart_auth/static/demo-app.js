// A SMART app in a hundred lines: standalone and EHR launch, PKCE, refresh, a search.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html

const app = document.getElementById("app").dataset;
const page = location.origin + location.pathname;
const asked = new URLSearchParams(location.search);

const say = (words) => { document.getElementById("state").textContent = words; };

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

async function configuration(iss) {
  const answer = await fetch(`${iss}/.well-known/smart-configuration`);
  return answer.json();
}

async function begin(iss, launch) {
  const { authorization_endpoint: authorize } = await configuration(iss);
  const verifier = random();
  const state = random();
  const hashed = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem(state, JSON.stringify({ iss, verifier }));
  const scope = app.scope.split(" ").filter((word) => word !== (launch ? "launch/patient" : "launch"));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: app.client,
    redirect_uri: page,
    scope: scope.join(" "),
    state,
    aud: iss,
    code_challenge: base64url(hashed),
    code_challenge_method: "S256",
  });
  if (launch) query.set("launch", launch);
  location.assign(`${authorize}?${query}`);
}

async function tokens(iss, form) {
  const { token_endpoint: endpoint } = await configuration(iss);
  const answer = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({ ...form, client_id: app.client }),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error_description || said.error);
  return said;
}

async function finish() {
  const kept = JSON.parse(sessionStorage.getItem(asked.get("state")) || "null");
  if (!kept) throw new Error("This answer was not asked for here.");
  sessionStorage.removeItem(asked.get("state"));
  history.replaceState(null, "", page);
  const got = await tokens(kept.iss, {
    grant_type: "authorization_code",
    code: asked.get("code"),
    redirect_uri: page,
    code_verifier: kept.verifier,
  });
  await show(kept.iss, got);
}

async function read(iss, path, token) {
  const answer = await fetch(`${iss}/${path}`, { headers: { authorization: `Bearer ${token}` } });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.issue[0].diagnostics);
  return said;
}

function named(patient) {
  const name = (patient.name || [{}])[0];
  return name.text || [...(name.given || []), name.family].filter(Boolean).join(" ");
}

function line(observation) {
  const { code, valueQuantity: quantity, effectiveDateTime: when } = observation;
  const what = code.text || (code.coding || [{}])[0].display || "Observation";
  const value = quantity ? `${quantity.value} ${quantity.unit || ""}` : "";
  const item = document.createElement("li");
  item.textContent = `${what} ${value} ${(when || "").slice(0, 10)}`;
  return item;
}

async function show(iss, got) {
  const patient = await read(iss, `Patient/${got.patient}`, got.access_token);
  document.getElementById("who").textContent = named(patient);
  document.getElementById("record").hidden = false;
  document.getElementById("connect").hidden = true;
  const query = `Observation?patient=${got.patient}&_sort=-date&_count=10`;
  const found = await read(iss, query, got.access_token);
  const lines = (found.entry || []).map((entry) => line(entry.resource));
  document.getElementById("observations").replaceChildren(...lines);
  say(`Connected. It may: ${got.scope}`);
  const refresh = document.getElementById("refresh");
  refresh.hidden = !got.refresh_token;
  refresh.onclick = () => attempt(async () => {
    const form = { grant_type: "refresh_token", refresh_token: got.refresh_token };
    await show(iss, await tokens(iss, form));
    say("Connected, with a fresh token.");
  });
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    say(`That did not work: ${error.message}`);
  }
}

document.getElementById("connect").onclick = () => attempt(() => begin(app.iss, ""));
if (asked.has("launch")) attempt(() => begin(asked.get("iss"), asked.get("launch")));
else if (asked.has("code")) attempt(finish);
else if (asked.has("error")) say(`Not connected: ${asked.get("error_description") || asked.get("error")}`);
