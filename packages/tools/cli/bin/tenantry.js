#!/usr/bin/env node
// Committed, so that installing links it before anything is built.
import '../dist/bin.js'
