import type { TranslationBundle } from '@jupyterlab/translation';
import type { Asset } from '../api/types.js';
import { formatBytes } from './size.js';
import { formatDuration } from './time.js';

export interface Rule {
  readonly text: string;
  /** Name of the party that asks for it. */
  readonly whose: string;
}

/** The asset with the strictest of an ordered limit: what counts, and whose it is. */
function strictest(assets: readonly Asset[], limit: (asset: Asset) => number): Asset | undefined {
  return assets.reduce<Asset | undefined>(
    (best, asset) => (best === undefined || limit(asset) < limit(best) ? asset : best),
    undefined
  );
}

/** What holds for a run on these datasets, in words, each with the one who asks for it. */
export function rulesOf(assets: readonly Asset[], trans: TranslationBundle): readonly Rule[] {
  const rules: Rule[] = [];
  const add = (asset: Asset | undefined, text: (policy: Asset['policy']) => string): void => {
    if (asset !== undefined) rules.push({ text: text(asset.policy), whose: asset.provider });
  };
  add(
    strictest(assets, ({ policy }) => policy.outputs.bytesPerOutput),
    ({ outputs }) => trans.__('an output up to %1', formatBytes(outputs.bytesPerOutput))
  );
  add(
    strictest(assets, ({ policy }) => policy.outputs.outputsPerRun),
    ({ outputs }) => trans.__('up to %1 outputs', outputs.outputsPerRun)
  );
  add(
    strictest(assets, ({ policy }) => policy.run.wallSeconds),
    ({ run }) => trans.__('a run up to %1', formatDuration(run.wallSeconds * 1000))
  );
  add(
    strictest(assets, ({ policy }) => Date.parse(policy.validUntil)),
    ({ validUntil }) => trans.__('until %1', validUntil.slice(0, 10))
  );
  for (const asset of assets) {
    rules.push({ text: trans.__('no rows of %1 in outputs', asset.name), whose: asset.provider });
    if (asset.policy.outputs.review === 'person') {
      rules.push({ text: trans.__('a person reviews the outputs'), whose: asset.provider });
    }
  }
  return rules;
}
