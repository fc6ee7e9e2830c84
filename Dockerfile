# Two stages: the first compiles, the second carries what runs and nothing else.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE ./
COPY config ./config
USER node
# Inside the container these listen on every address, or nobody outside could publish. They have no password: make
# 5561, 5560, 5562 and 5563 reachable from trusted networks only.
ENV HOLDFAST_CONTROL__LISTEN=0.0.0.0:5561 \
    HOLDFAST_ZEROMQ__PULL=tcp://0.0.0.0:5560 \
    HOLDFAST_ZEROMQ__SUB=tcp://0.0.0.0:5562 \
    HOLDFAST_ZEROMQ__REP=tcp://0.0.0.0:5563
EXPOSE 7999 5561 5560 5562 5563
# The control port answers when the process is up.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:5561/').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/cli/main.js"]
