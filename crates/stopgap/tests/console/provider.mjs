// A provider of identities for the test of the console: everybody who names themselves is who they say.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, redirect] = process.argv.slice(2);
const place = createRequire(`${folder}/`).resolve('oidc-provider');
const { default: Provider } = await import(pathToFileURL(place));

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
// Another site than the console's: 127.0.0.1.
const issuer = `http://localhost:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{
    client_id: 'stopgap',
    client_secret: 'a secret: of + many % signs',
    redirect_uris: [redirect],
  }],
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, groups: ['staff', 'security'] }),
  }),
});
server.on('request', provider.callback());
console.log(issuer);
