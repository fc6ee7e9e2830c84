/**
 * A publisher in a process of its own, as a backend is, with the package `@fanoutio/grip`:
 *
 *     node grip-publisher.mjs CONTROL_URI CHANNEL CONTENT...       each content is one stream item; "close" ends it
 */
import { HttpStreamFormat, Publisher } from '@fanoutio/grip';

const [uri, channel, ...contents] = process.argv.slice(2);
const publisher = new Publisher({ control_uri: uri });
for (const content of contents) {
  await publisher.publishHttpStream(channel, content === 'close' ? new HttpStreamFormat(null, true) : content);
}
