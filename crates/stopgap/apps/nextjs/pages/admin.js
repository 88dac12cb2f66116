// Rendered for each request; only the middleware keeps visitors out.
export async function getServerSideProps() {
  return { props: { berths: ["A1: Marie Celeste", "B2: Bounty"] } };
}

export default function Admin({ berths }) {
  return <ul>{berths.map((berth) => <li key={berth}>{berth}</li>)}</ul>;
}
