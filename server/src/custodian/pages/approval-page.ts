import { fromUtf8 } from '@clean-room/protocol/bytes';
import type { Passkey } from '@clean-room/protocol/parties';
import { startsOf, type Grant } from '@clean-room/protocol/policies';
import type { ApprovalDraft } from '../approvals/draft.js';
import type { InspectedRevision } from '../submissions/inspect.js';
import { dateText, html, memoryText, sourceText, type Html } from './html.js';
import { policyView } from './policy-view.js';
import { fileView } from './source.js';

/** Everything that the approval page shows. */
export interface ApprovalView {
  readonly inspected: InspectedRevision;
  readonly draft: ApprovalDraft;
  /** The reviewer's passkeys at this origin. */
  readonly passkeys: readonly Passkey[];
  readonly csrfToken: string;
  /** The host name of this custodian's origin. */
  readonly relyingParty: string;
  readonly mayBeUnattended: boolean;
  /** The largest numbers that all policies allow. */
  readonly most: Grant;
}

function runsText(runs: number): string {
  return runs === 1 ? 'one run' : `${runs} runs`;
}

/** Says how often the data may be opened. An operator who is not honest can use each of the starts for a result. */
function startsText(grant: Grant): string {
  const starts = startsOf(grant);
  if (starts === 1) return 'Your data may be opened once, and that may return a result.';
  const spare = grant.spareStarts === 1 ? 'one spare start' : `${grant.spareStarts} spare starts`;
  const reason = `, ${spare} included, for machines that are lost after they received your keys`;
  return `Your data may be opened up to ${starts} times${grant.spareStarts === 0 ? '' : reason}. Each time may return a result.`;
}

function assetNames({ assets }: InspectedRevision): string {
  return assets.map(({ version: { value } }) => `${value.name} v${value.version}`).join(' and ');
}

/** Returns the names of the assets that the program also uses and other providers decide about. */
function otherAssetNames({ spec, assets }: InspectedRevision): string {
  const own = new Set(assets.map(({ version }) => version.value.name));
  const others = spec.value.assets.filter(({ name }) => !own.has(name));
  return others.map(({ name }) => name).join(' and ');
}

/** Says in one sentence what the reviewer allows, from the bytes that are signed. */
function allowSentence({ inspected, draft }: ApprovalView): Html {
  const { runs, expires } = draft.approval.value;
  const { notebook, purpose } = inspected.spec.value;
  const reviewed = inspected.assets.some(({ policy }) => policy.value.outputs.review === 'person');
  const others = otherAssetNames(inspected);
  return html`<p class="allow" id="allow">
    You allow <strong>${runsText(runs)}</strong> of <strong>${sourceText(notebook)}</strong> (revision
    ${inspected.revision}) on <strong>${assetNames(inspected)}</strong> until
    <strong>${dateText(expires)}</strong>, for ${purpose}. ${startsText(draft.approval.value)}
    ${reviewed ? 'You review the outputs before they are released.' : ''}
    ${others === '' ? '' : `The program also uses ${others}, if the provider of that data approves it too.`}
  </p>`;
}

/** Names the owner of a recipient key. A key that is not in the submitter's roster is shown in full and marked. */
function recipientView({ submitter: { roster } }: InspectedRevision, recipient: string): Html {
  const owner = roster.people.find(({ recipients }) => recipients.includes(recipient));
  return owner === undefined
    ? html`<div>
        <code>${recipient}</code> <span class="mark">not in the roster of ${roster.title}</span>
      </div>`
    : html`<div>${owner.name}, ${roster.title}</div>`;
}

function computeText({
  processors,
  memoryBytes,
  accelerator
}: InspectedRevision['spec']['value']['compute']) {
  const size = `${processors} ${processors === 1 ? 'processor' : 'processors'}, ${memoryText(memoryBytes)} of memory`;
  return accelerator === 'none' ? size : `${size}, ${accelerator}`;
}

function requestView(inspected: InspectedRevision): Html {
  const { submitter, collaboration } = inspected;
  const { value } = inspected.spec;
  const others = otherAssetNames(inspected);
  return html`<dl>
    <dt>Submitted by</dt>
    <dd>
      ${submitter.person.name}, ${submitter.roster.title}
      ${submitter.roster.jupyterHost === 'operator-hosted' ? html`<span class="mark">operator-hosted</span>` : html``}
    </dd>
    <dt>Purpose</dt>
    <dd>${value.purpose}</dd>
    <dt>Your data</dt>
    <dd>${assetNames(inspected)}</dd>
    ${
      others === ''
        ? html``
        : html`<dt>Data of other providers</dt>
            <dd>${others}</dd>`
    }
    <dt>Results go to</dt>
    <dd>
      ${value.recipients.map(recipient => recipientView(inspected, recipient))}
      ${value.recovery === undefined ? html`` : html`<div>For recovery: ${recipientView(inspected, value.recovery)}</div>`}
    </dd>
    <dt>Parameters</dt>
    <dd><code>${sourceText(value.parameters)}</code></dd>
    <dt>Compute</dt>
    <dd>${computeText(value.compute)}</dd>
    <dt>Collaboration</dt>
    <dd>${collaboration.value.title}, ends on ${dateText(collaboration.value.ends)}</dd>
    <dt>Program</dt>
    <dd class="good">✓ This custodian built the program from the files below and got the same image.</dd>
  </dl>`;
}

/** Shows the technical facts of the request: digests, keys and the accelerator. */
function detailsView({ spec, image, assets }: InspectedRevision): Html {
  const { value } = spec;
  const recipients = [...value.recipients, ...(value.recovery === undefined ? [] : [value.recovery])];
  return html`<details>
    <summary>Details</summary>
    <dl>
      <dt>Image</dt>
      <dd><code>${image}</code></dd>
      <dt>Kernel image</dt>
      <dd><code>${value.kernelImage}</code></dd>
      <dt>Spec</dt>
      <dd><code>${spec.digest}</code></dd>
      <dt>Accelerator</dt>
      <dd>${value.compute.accelerator}</dd>
      ${assets.map(
        ({ version }) =>
          html`<dt>${version.value.name} v${version.value.version}</dt>
            <dd><code>${version.digest}</code></dd>`
      )}
      <dt>Recipient keys</dt>
      <dd>${recipients.map(recipient => html`<div><code>${recipient}</code></div>`)}</dd>
    </dl>
  </details>`;
}

function passkeyForm({ draft, passkeys, csrfToken, relyingParty }: ApprovalView): Html {
  if (passkeys.length === 0) {
    return html`<p>You have no passkey here yet. <a href="/passkeys">Add a passkey</a> to approve.</p>`;
  }
  const options = JSON.stringify({
    challenge: draft.challenge,
    rpId: relyingParty,
    userVerification: 'required',
    timeout: 300_000,
    allowCredentials: passkeys.map(({ credentialId }) => ({ type: 'public-key', id: credentialId }))
  });
  return html`<form
    method="post"
    action="/drafts/${draft.id}/confirm"
    data-passkey="get"
    data-options="${options}"
  >
    <input type="hidden" name="csrf" value="${csrfToken}" /><input type="hidden" name="passkey" value="" />
    <button class="primary">Confirm with passkey</button>
    <p data-message role="alert"></p>
  </form>`;
}

function unattendedForm({ inspected, draft, csrfToken }: ApprovalView): Html {
  return html`<form method="post" action="/submissions/${inspected.submission.id}/unattended">
    <input type="hidden" name="csrf" value="${csrfToken}" />
    <input type="hidden" name="revision" value="${inspected.revision}" />
    <input type="hidden" name="image" value="${inspected.image}" />
    <input type="hidden" name="runs" value="${draft.approval.value.runs}" />
    <input type="hidden" name="spareStarts" value="${draft.approval.value.spareStarts}" />
    <button>Confirm without passkey</button>
    <p>The approval and the result will be marked <span class="mark">UNATTENDED</span>.</p>
  </form>`;
}

function decisionView(view: ApprovalView): Html {
  return html`<div class="actions">
      ${passkeyForm(view)} ${view.mayBeUnattended ? unattendedForm(view) : html``}
    </div>
    <form method="post" action="/submissions/${view.inspected.submission.id}/reject">
      <input type="hidden" name="csrf" value="${view.csrfToken}" />
      <label for="reason">Comment to the researcher</label>
      <textarea id="reason" name="reason" required maxlength="4000"></textarea>
      <button>Reject</button>
    </form>`;
}

function countField(name: keyof Grant, label: string, from: number, most: number, chosen: number): Html {
  if (most === from) return html``;
  const choices = Array.from({ length: Math.min(most - from, 20) + 1 }, (_, index) => from + index);
  return html`<label for="${name}">${label}</label>
    <select id="${name}" name="${name}">
      ${choices.map(count => html`<option value="${count}" ${count === chosen ? html`selected` : html``}>${count}</option>`)}
    </select>`;
}

function grantForm({ inspected, draft, most }: ApprovalView): Html {
  const { runs, spareStarts } = draft.approval.value;
  if (most.runs === 1 && most.spareStarts === 0) return html``;
  return html`<form method="get" action="/approve/${inspected.submission.id}">
    ${countField('runs', 'Number of runs to allow', 1, most.runs, runs)}
    ${countField('spareStarts', 'Spare starts, if a machine is lost', 0, most.spareStarts, spareStarts)}
    <button>Change</button>
  </form>`;
}

/** Shows the signed documents, so that a reviewer can compare the page with exactly what is signed. */
function signedDocumentsView({ inspected, draft }: ApprovalView): Html {
  const document = (title: string, bytes: Uint8Array): Html =>
    html`<details>
      <summary>${title}</summary>
      <pre>${sourceText(fromUtf8(bytes))}</pre>
    </details>`;
  return html`${document('The approval, byte by byte', draft.approval.bytes)}
  ${document('The spec, byte by byte', inspected.spec.bytes)}
  ${inspected.assets.map(({ policy }) => document(`The policy of ${policy.value.asset}, byte by byte`, policy.bytes))}`;
}

/** Returns the page on which a reviewer decides. All of it is text, from the bytes that the approval names. */
export async function approvalPage(view: ApprovalView): Promise<Html> {
  const { inspected } = view;
  const { notebook } = inspected.spec.value;
  const files = await Promise.all(inspected.files.map(file => fileView(file, file.path === notebook)));
  const simulated = inspected.assets.some(({ version }) => version.value.sealedFor === 'simulation');
  return html`<h1>
      ${sourceText(notebook)}
      <span class="soft">revision ${inspected.revision}, from ${inspected.submitter.roster.title}</span>
      ${simulated ? html`<span class="mark">SIMULATED</span>` : html``}
    </h1>
    ${allowSentence(view)} ${grantForm(view)} ${decisionView(view)}
    <h2>The request</h2>
    ${requestView(inspected)} ${detailsView(inspected)}
    <h2>Your rules</h2>
    ${inspected.assets.map(({ policy }) => policyView(policy.value))}
    <h2>The program</h2>
    ${files}
    <h2>The signed documents</h2>
    ${signedDocumentsView(view)}`;
}

/** Returns the page that is shown after a decision. */
export function decidedPage(title: string, sentence: string): Html {
  return html`<h1>${title}</h1>
    <p>${sentence}</p>
    <p><a href="/">Back to the list</a></p>`;
}
