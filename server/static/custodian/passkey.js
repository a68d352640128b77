/**
 * Asks for a passkey when a form that needs one is sent, puts the answer into the form, and sends it on. The forms say what
 * to ask for; this module decides nothing, and the custodian checks every answer again.
 */

/** @param {string} text base64url */
function toBytes(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')), character =>
    character.charCodeAt(0)
  );
}

/** @param {ArrayBuffer} buffer */
function toText(buffer) {
  const binary = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const withId = ({ id, ...rest }) => ({ ...rest, id: toBytes(id) });

async function assertion(options) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      allowCredentials: (options.allowCredentials ?? []).map(withId)
    }
  });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  return {
    id: credential.id,
    rawId: credential.id,
    type: credential.type,
    clientExtensionResults: {},
    response: {
      authenticatorData: toText(authenticatorData),
      clientDataJSON: toText(clientDataJSON),
      signature: toText(signature),
      ...(userHandle === null ? {} : { userHandle: toText(userHandle) })
    }
  };
}

async function registration(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: toBytes(options.challenge),
      user: withId(options.user),
      excludeCredentials: (options.excludeCredentials ?? []).map(withId)
    }
  });
  const { attestationObject, clientDataJSON } = credential.response;
  return {
    id: credential.id,
    rawId: credential.id,
    type: credential.type,
    clientExtensionResults: {},
    response: { attestationObject: toText(attestationObject), clientDataJSON: toText(clientDataJSON) }
  };
}

/** @param {HTMLFormElement} form */
function explain(form, text) {
  const place = form.querySelector('[data-trouble]');
  if (place !== null) place.textContent = text;
}

/** @param {HTMLFormElement} form */
async function answer(form) {
  const options = JSON.parse(form.dataset.options ?? '{}');
  const button = form.querySelector('button');
  if (button !== null) button.disabled = true;
  explain(form, '');
  try {
    const response =
      form.dataset.passkey === 'create' ? await registration(options) : await assertion(options);
    form.elements.namedItem('passkey').value = JSON.stringify(response);
    form.submit();
  } catch {
    if (button !== null) button.disabled = false;
    explain(form, 'Your passkey did not answer, so nothing was sent. Try again, or use another device.');
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    void answer(form);
  });
}
