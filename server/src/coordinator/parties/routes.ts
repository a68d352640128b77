import * as api from '../../client/coordinator/parties.js';
import { mount, type App } from '../../platform/http/index.js';
import { callerOf, identify } from '../access/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { collaborationsOf, publishCollaboration } from './collaborations.js';
import { newestRoster, publishRoster } from './rosters.js';

export function partyRoutes(app: App, context: Context): void {
  mount(app, api.getMe, async ({ request }) => {
    const identity = await identify(context, request);
    if (identity.kind === 'custodian') return { subject: `custodian of ${identity.party}`, parties: [] };
    const parties: api.Me['parties'] = [];
    for (const { party, person } of identity.acts) {
      const roster = await newestRoster(context.db, party);
      const listed = roster?.people.find(candidate => candidate.id === person);
      if (roster === undefined || listed === undefined) continue;
      parties.push({ party, person, title: roster.title, name: listed.name, roles: listed.roles });
    }
    return { subject: identity.subject, parties };
  });

  mountFor(app, context, api.listCollaborations, async (_call, caller) => ({
    items: await collaborationsOf(context.db, caller.party)
  }));

  // A party's first roster comes before anybody stands in one; the party's root key vouches for it all the same.
  mount(app, api.publishRoster, async ({ body, request }) => {
    const caller = await callerOf(context, request, true);
    return { digest: await publishRoster(context, caller.party, body.roster) };
  });

  mount(app, api.publishCollaboration, async ({ body, request }) => {
    const caller = await callerOf(context, request, true);
    return { digest: await publishCollaboration(context, caller.party, body.collaboration) };
  });
}
