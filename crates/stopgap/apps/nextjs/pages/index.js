export default function Home() {
  return <h1>Harbour office</h1>;
}
