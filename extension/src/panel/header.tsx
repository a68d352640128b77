import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import type { Role } from '@clean-room/protocol/parties';
import type { CleanRoomSession } from '../session/session.js';
import { useSignals } from '../shared/hooks.js';

function roleName(role: Role, trans: TranslationBundle): string {
  switch (role) {
    case 'researcher':
      return trans.__('researcher');
    case 'reviewer':
      return trans.__('reviewer');
    case 'steward':
      return trans.__('steward');
  }
}

/** Shows the party that the person acts for and the person's roles, and lets them choose another party. */
export function ActingFor({
  session,
  trans
}: {
  session: CleanRoomSession;
  trans: TranslationBundle;
}): React.JSX.Element | null {
  useSignals(session.changed);
  const { me, acting } = session;
  if (me === undefined || acting === undefined) return null;
  const roles = acting.roles.map(role => roleName(role, trans)).join(', ');
  return (
    <div className="crm-Acting">
      <label>
        <span className="crm-Acting-label">{trans.__('%1 acts for', acting.name)}</span>
        <span className="jp-select-wrapper">
          <select
            className="jp-mod-styled"
            value={acting.party}
            disabled={me.parties.length < 2}
            onChange={event => void session.actFor(event.currentTarget.value)}
          >
            {me.parties.map(({ party, title }) => (
              <option key={party} value={party}>
                {title}
              </option>
            ))}
          </select>
        </span>
      </label>
      <span className="crm-Acting-roles">{trans.__('as %1', roles)}</span>
    </div>
  );
}

/** The header of the clean room's panel. */
export class ActingWidget extends ReactWidget {
  constructor(
    private readonly session: CleanRoomSession,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('crm-ActingWidget');
  }

  protected override render(): React.JSX.Element {
    return <ActingFor session={this.session} trans={this.trans} />;
  }
}
