import type { Policy } from '@clean-room/protocol/policies';
import { html, sourceText, type Html } from './html.js';

function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${units[power] ?? ''}`;
}

/** A policy in the words of its reader; the signed text itself stands below it. */
export function policyView(policy: Policy): Html {
  const { outputs, run, tee } = policy;
  const simulated = tee.roots.some(({ kind }) => kind === 'simulated');
  return html`<dl>
    <dt>Policy</dt>
    <dd>${policy.asset}, version ${policy.version}, until ${policy.validUntil.slice(0, 10)}</dd>
    <dt>Purposes</dt>
    <dd>${policy.purposes.join('; ')}</dd>
    <dt>Runs</dt>
    <dd>at most ${run.attempts} in one approval, ${run.wallSeconds} s and ${size(run.memoryBytes)} each</dd>
    <dt>Outputs</dt>
    <dd>
      at most ${outputs.outputsPerRun}, ${size(outputs.bytesPerOutput)} each, ${size(outputs.bytesPerRun)}
      together; ${outputs.mimeTypes.join(', ')};
      ${outputs.review === 'person' ? 'released by a person of yours' : 'released by the filter alone, no person looks'}
    </dd>
    <dt>TEE</dt>
    <dd>
      ${simulated ? html`<span class="mark">SIMULATED</span> ` : html``}sandbox
      ${tee.sandboxProfiles.join(' or ')}; rule
      <code>${sourceText(tee.rule)}</code>
    </dd>
  </dl>`;
}
