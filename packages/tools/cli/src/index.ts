export { defineConfig, type GenerateTarget, type OperableSystem, type TenantryConfig } from './config.ts'
