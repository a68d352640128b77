/**
 * Uses a passkey when a form with `data-passkey` is submitted: creates or asserts a credential with the options in
 * `data-options`, stores the result in the form's field `passkey`, and submits the form. The custodian verifies the result.
 */

/** Decodes base64url text. */
function toBytes(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')), character =>
    character.charCodeAt(0)
  );
}

/** Encodes an ArrayBuffer as base64url. */
function toText(buffer) {
  const binary = Array.from(new Uint8Array(buffer), byte => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const withId = ({ id, ...rest }) => ({ ...rest, id: toBytes(id) });

/** Asks a passkey for an assertion, and returns it as JSON. */
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

/** Creates a passkey, and returns its registration as JSON. */
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

/** Shows a message below the form's button. */
function showMessage(form, text) {
  const element = form.querySelector('[data-message]');
  if (element !== null) element.textContent = text;
}

/** Uses a passkey and submits the form. */
async function submitWithPasskey(form) {
  const options = JSON.parse(form.dataset.options ?? '{}');
  const button = form.querySelector('button');
  if (button !== null) button.disabled = true;
  showMessage(form, '');
  try {
    const response =
      form.dataset.passkey === 'create' ? await registration(options) : await assertion(options);
    form.elements.namedItem('passkey').value = JSON.stringify(response);
    form.submit();
  } catch {
    if (button !== null) button.disabled = false;
    showMessage(form, 'Your passkey did not respond, so nothing was sent. Try again, or use another device.');
  }
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  form.addEventListener('submit', event => {
    event.preventDefault();
    void submitWithPasskey(form);
  });
}
