// Passkeys in forms. A form says by `data-passkey` what an authenticator is asked for: what it answers goes along in
// the field `touch`, and the server checks it. Registering is `data-how="create"`. A link brings its token behind `#`,
// which no browser sends: it goes into the field `token`.

const CREATE = "create";

async function answered(form) {
  const told = JSON.parse(form.dataset.passkey);
  if (form.dataset.how === CREATE) {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(told);
    return navigator.credentials.create({ publicKey });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(told) });
}

function complain(form, words) {
  let place = form.querySelector("[role=alert]");
  if (!place) {
    place = document.createElement("p");
    place.setAttribute("role", "alert");
    place.className = "problem";
    form.append(place);
  }
  place.textContent = words;
}

function why(error) {
  if (typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON !== "function") {
    return "This browser does not know passkeys as they are asked for here. Chrome 129, Firefox 119 and Safari 18.4 do.";
  }
  if (error.name === "NotAllowedError") {
    return "No passkey answered, or it was called off. Try again.";
  }
  if (error.name === "InvalidStateError") {
    return "This device has a passkey for you already. Sign in with it.";
  }
  return `The passkey did not answer: ${error.message}`;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    const touch = form.elements.namedItem("touch");
    if (!form.dataset.passkey || touch.value) {
      return;
    }
    event.preventDefault();
    try {
      touch.value = JSON.stringify((await answered(form)).toJSON());
    } catch (error) {
      complain(form, why(error));
      return;
    }
    form.requestSubmit(event.submitter);
  });
}

for (const form of document.querySelectorAll("form[data-link]")) {
  const token = location.hash.slice(1);
  if (token) {
    form.elements.namedItem("token").value = token;
    // Neither the history nor the next page has it.
    history.replaceState(null, "", location.pathname);
  }
}
