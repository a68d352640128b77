import { fromUtf8 } from '@clean-room/protocol/bytes';
import type { ApprovalBundle } from '@clean-room/protocol/approvals';
import type { Passkey } from '@clean-room/protocol/parties';
import type { ApprovalDraft } from '../approvals/draft.js';
import type { InspectedRevision } from '../submissions/fetch.js';
import { digestText, html, sourceText, type Html } from './html.js';
import { policyView } from './policy-view.js';
import { fileView } from './source.js';

export interface ApprovalView {
  readonly inspected: InspectedRevision;
  readonly draft: ApprovalDraft;
  readonly passkeys: readonly Passkey[];
  readonly csrf: string;
  readonly relyingParty: string;
  readonly mayBeUnattended: boolean;
  readonly mostAttempts: number;
}

function day(timestamp: string): string {
  return new Date(timestamp).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC'
  });
}

function runs(attempts: number): string {
  return attempts === 1 ? 'one run' : `${attempts} runs`;
}

/** What is allowed, in one sentence, from the bytes that are signed. */
function allowSentence({ inspected, draft }: ApprovalView): Html {
  const { attempts, image, expires } = draft.approval.value;
  const data = inspected.assets
    .map(({ version }) => `${version.value.name} v${version.value.version}`)
    .join(' and ');
  const reviewed = inspected.assets.some(({ policy }) => policy.value.outputs.review === 'person');
  return html`<p class="allow" id="allow">
    You allow <strong>${runs(attempts)}</strong> of program ${digestText(image)} on
    <strong>${data}</strong> until <strong>${day(expires)}</strong>, for
    ${inspected.spec.value.purpose}${reviewed ? ', outputs reviewed by you' : ''}.
  </p>`;
}

/** Whose key it is, as far as the submitter's roster says; a key of nobody known must catch the eye. */
function recipientView({ submitter }: InspectedRevision, recipient: string): Html {
  const owner = submitter.roster.people.find(({ recipients }) => recipients.includes(recipient));
  return owner === undefined
    ? html`<div>
        <code>${recipient}</code> <span class="mark">not in the roster of ${submitter.roster.title}</span>
      </div>`
    : html`<div><code>${recipient}</code> ${owner.name}, ${submitter.roster.title}</div>`;
}

function factsView({ inspected }: ApprovalView): Html {
  const { spec, submitter, image, collaboration, assets } = inspected;
  const { value } = spec;
  const others = value.assets.filter(
    ({ name }) => !assets.some(({ version }) => version.value.name === name)
  );
  return html`<dl>
    <dt>Asked by</dt>
    <dd>
      ${submitter.person.name}, ${submitter.roster.title}
      ${submitter.roster.jupyterHost === 'operator-hosted' ? html`<span class="mark">operator-hosted</span>` : html``}
    </dd>
    <dt>Purpose</dt>
    <dd>${value.purpose}</dd>
    <dt>Your data</dt>
    <dd>
      ${assets.map(({ version }) => html`<div>${version.value.name} v${version.value.version} <span class="soft">${version.digest}</span></div>`)}
    </dd>
    ${
      others.length === 0
        ? html``
        : html`<dt>Others’ data</dt>
            <dd>${others.map(({ name }) => name).join(', ')}</dd>`
    }
    <dt>Results go to</dt>
    <dd>
      ${value.recipients.map(recipient => recipientView(inspected, recipient))}
      ${value.recovery === undefined ? html`` : html`<div>recovery: ${recipientView(inspected, value.recovery)}</div>`}
    </dd>
    <dt>Parameters</dt>
    <dd><code>${sourceText(value.parameters)}</code></dd>
    <dt>Compute</dt>
    <dd>
      ${value.compute.processors} CPU, ${Math.round(value.compute.memoryBytes / 1024 ** 3)} GB, accelerator
      ${value.compute.accelerator}
    </dd>
    <dt>Collaboration</dt>
    <dd>${collaboration.value.title}, ends ${day(collaboration.value.ends)}</dd>
    <dt>Program</dt>
    <dd>
      <code>${image}</code><br /><span class="good">✓ rebuilt here from these files: equal</span><br />
      <span class="soft">kernel image ${value.kernelImage}</span>
    </dd>
  </dl>`;
}

function decideView(view: ApprovalView): Html {
  const { draft, csrf, passkeys, relyingParty, inspected } = view;
  const options = JSON.stringify({
    challenge: draft.challenge,
    rpId: relyingParty,
    userVerification: 'required',
    timeout: 300_000,
    allowCredentials: passkeys.map(({ credentialId }) => ({ type: 'public-key', id: credentialId }))
  });
  const withPasskey =
    passkeys.length === 0
      ? html`<p>You have no passkey here yet. <a href="/passkeys">Add one</a> to approve.</p>`
      : html`<form
          method="post"
          action="/drafts/${draft.id}/confirm"
          data-passkey="get"
          data-options="${options}"
        >
          <input type="hidden" name="csrf" value="${csrf}" /><input type="hidden" name="passkey" value="" />
          <button class="primary">Confirm with passkey</button>
          <p data-trouble role="alert"></p>
        </form>`;
  const unattended = view.mayBeUnattended
    ? html`<form method="post" action="/submissions/${inspected.submission.id}/unattended">
        <input type="hidden" name="csrf" value="${csrf}" />
        <input type="hidden" name="revision" value="${inspected.revision}" />
        <input type="hidden" name="image" value="${inspected.image}" />
        <input type="hidden" name="attempts" value="${draft.approval.value.attempts}" />
        <button>Confirm without passkey</button>
        <p><span class="mark">UNATTENDED</span> is written into the approval and shown with the result.</p>
      </form>`
    : html``;
  return html`<div class="actions">${withPasskey} ${unattended}</div>
    <form method="post" action="/submissions/${inspected.submission.id}/refuse">
      <input type="hidden" name="csrf" value="${csrf}" />
      <label for="reason">Reason, for the researcher</label>
      <textarea id="reason" name="reason" required maxlength="4000"></textarea>
      <button>No</button>
    </form>`;
}

function attemptsView({ inspected, draft, mostAttempts }: ApprovalView): Html {
  if (mostAttempts === 1) return html``;
  const choices = Array.from({ length: Math.min(mostAttempts, 20) }, (_, index) => index + 1);
  return html`<form method="get" action="/approve/${inspected.submission.id}">
    <label for="attempts">Runs allowed</label>
    <select id="attempts" name="attempts">
      ${choices.map(count => html`<option value="${count}" ${count === draft.approval.value.attempts ? html`selected` : html``}>${count}</option>`)}
    </select>
    <button>Change</button>
  </form>`;
}

/** The page on which a reviewer decides: all of it text, from the bytes that the approval names. */
export async function approvalPage(view: ApprovalView): Promise<Html> {
  const { inspected, draft } = view;
  const { notebook } = inspected.spec.value;
  const files = await Promise.all(inspected.files.map(file => fileView(file, file.path === notebook)));
  const simulated = inspected.assets.some(({ version }) => version.value.sealedFor === 'simulation');
  return html`<h1>
      ${notebook}
      <span class="soft">revision ${inspected.revision}, from ${inspected.submitter.roster.title}</span>
      ${simulated ? html`<span class="mark">SIMULATED</span>` : html``}
    </h1>
    ${allowSentence(view)} ${attemptsView(view)} ${decideView(view)}
    <h2>What is asked</h2>
    ${factsView(view)}
    <h2>Your rules</h2>
    ${inspected.assets.map(({ policy }) => policyView(policy.value))}
    <h2>The program</h2>
    ${files}
    <h2>What is signed</h2>
    <details>
      <summary>The approval, byte for byte</summary>
      <pre>${sourceText(fromUtf8(draft.approval.bytes))}</pre>
    </details>
    <details>
      <summary>The spec, byte for byte</summary>
      <pre>${sourceText(fromUtf8(inspected.spec.bytes))}</pre>
    </details>
    ${inspected.assets.map(
      ({ policy }) =>
        html`<details>
          <summary>The policy of ${policy.value.asset}, byte for byte</summary>
          <pre>${sourceText(fromUtf8(policy.bytes))}</pre>
        </details>`
    )}`;
}

/** What is shown once it is decided. */
export function decidedPage(title: string, sentence: string, bundle?: ApprovalBundle): Html {
  return html`<h1>${title}</h1>
    <p>${sentence}</p>
    ${
      bundle === undefined
        ? html``
        : html`<details>
            <summary>The approval as it was sent</summary>
            <pre>${sourceText(JSON.stringify(bundle, undefined, 1))}</pre>
          </details>`
    }
    <p><a href="/">Back to what waits for you</a></p>`;
}
