import { NextResponse } from "next/server";

// CVE-2025-29927: a request that names this file in x-middleware-subrequest skips it.
export function middleware(request) {
  if (request.cookies.get("session")?.value !== "harbour-master") {
    return NextResponse.redirect(new URL("/", request.url));
  }
  return NextResponse.next();
}

export const config = { matcher: "/admin/:path*" };
