import type { Policy } from '@clean-room/protocol/policies';
import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import { dateText, html, sizeText, sourceText, type Html } from './html.js';

function reviewSentence({ review }: Policy['outputs']): string {
  return review === 'person'
    ? 'A reviewer of your party releases them.'
    : 'The filter releases them without review by a person.';
}

/** Describes the machines that a policy accepts. Simulators, and hardware that somebody other than Google vouches for, stand out. */
function machineView({ roots }: Policy['tee']): Html {
  if (roots.some(({ kind }) => kind === 'simulated'))
    return html`<span class="mark">SIMULATED</span> without hardware protection`;
  const owners = roots.map(
    ({ certificate }) => HARDWARE_ROOTS.find(({ sha256 }) => sha256 === certificate)?.owner ?? certificate
  );
  const others = owners.filter(owner => owner !== 'Google');
  return others.length === 0
    ? html`Trusted execution environment`
    : html`<span class="mark">OTHER ROOT</span> Trusted execution environment with the root of
        ${others.join(', ')}`;
}

/** Describes a policy in plain words. The page shows the signed text as well. */
export function policyView({ asset, version, validUntil, purposes, outputs, run, tee }: Policy): Html {
  return html`<dl>
      <dt>Policy</dt>
      <dd>${asset}, version ${version}, valid until ${dateText(validUntil)}</dd>
      <dt>Purposes</dt>
      <dd>${purposes.join('; ')}</dd>
      <dt>Runs</dt>
      <dd>
        At most ${run.runs} in one approval, each with at most ${run.wallSeconds} seconds and
        ${sizeText(run.memoryBytes)} of memory; at most ${run.spareStarts} spare starts
      </dd>
      <dt>Outputs</dt>
      <dd>
        At most ${outputs.outputsPerRun} outputs, each at most ${sizeText(outputs.bytesPerOutput)}, together
        at most ${sizeText(outputs.bytesPerRun)}. ${reviewSentence(outputs)}
      </dd>
      <dt>Machine</dt>
      <dd>${machineView(tee)}</dd>
    </dl>
    <details>
      <summary>Details</summary>
      <dl>
        <dt>Output types</dt>
        <dd>${outputs.mimeTypes.join(', ')}</dd>
        <dt>Sandbox profiles</dt>
        <dd>${tee.sandboxProfiles.join(', ')}</dd>
        <dt>TEE rule</dt>
        <dd><code>${sourceText(tee.rule)}</code></dd>
      </dl>
    </details>`;
}
