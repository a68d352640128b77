import { routes, type Me } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mount } from '../../platform/http/mount.js';
import { callerOf, identify } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { collaborationsOf, publishCollaboration } from './collaborations.js';
import { newestRoster, publishRoster } from './rosters.js';

/** Adds the routes for the caller's own identity, rosters and collaborations. */
export function partyRoutes(app: App, context: CoordinatorContext): void {
  mount(app, routes.getMe, async ({ request }) => {
    const identity = await identify(context, request);
    if (identity.kind === 'operator') return { subject: 'operator', parties: [] };
    if (identity.kind === 'custodian') return { subject: `custodian of ${identity.party}`, parties: [] };
    const parties: Me['parties'] = [];
    for (const { party, person } of identity.acts) {
      const roster = await newestRoster(context.db, party);
      const listed = roster?.people.find(candidate => candidate.id === person);
      if (roster === undefined || listed === undefined) continue;
      parties.push({ party, person, title: roster.title, name: listed.name, roles: listed.roles });
    }
    return { subject: identity.subject, parties };
  });

  mountFor(app, context, routes.listCollaborations, async (_call, caller) => ({
    items: await collaborationsOf(context.db, caller.party)
  }));

  // Before a party's first roster is published, no roster lists the caller. The party's root key must sign it in any case.
  mount(app, routes.publishRoster, async ({ body, request }) => {
    const caller = await callerOf(context, request, true);
    return { digest: await publishRoster(context, caller.party, body.roster) };
  });

  mount(app, routes.publishCollaboration, async ({ body, request }) => {
    const caller = await callerOf(context, request, true);
    return { digest: await publishCollaboration(context, caller.party, body.collaboration) };
  });
}
