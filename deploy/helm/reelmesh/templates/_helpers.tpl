{{/* Names, labels, and the parts that every pod has. Those with a `root` take (dict "root" $ "name" <service>). */}}

{{- define "reelmesh.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "reelmesh.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "reelmesh.labels" -}}
{{ include "reelmesh.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: reelmesh
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "reelmesh.metadata" -}}
name: {{ include "reelmesh.fullname" .root }}-{{ .name }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "reelmesh.labels" . | nindent 2 }}
{{- end }}

{{- define "reelmesh.image" -}}
{{ index .root.Values.image .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "reelmesh.host" -}}
{{ include "reelmesh.fullname" .root }}-{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{/* The restricted Pod Security Standard, of a pod and of a container. */}}
{{- define "reelmesh.podSecurity" -}}
automountServiceAccountToken: false
# Its variables would be taken for settings: NATS_PORT and the like.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.securityContext.runAsUser }}
  runAsGroup: {{ .Values.securityContext.runAsGroup }}
  fsGroup: {{ .Values.securityContext.fsGroup }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}{{ end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "reelmesh.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "reelmesh.secretEnv" -}}
- name: {{ .env }}
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .key | quote }}}}
{{- end }}

{{/* The variable `env` with the URL of one schema's role. */}}
{{- define "reelmesh.databaseEnv" -}}
{{- with .root.Values.postgres.cluster }}
{{- if .enabled }}
{{ include "reelmesh.secretEnv" (dict "env" (printf "%s_PASSWORD" $.env) "secret" (printf "%s-%s" .roleSecretPrefix $.schema) "key" "password") }}
- name: {{ $.env }}
  value: postgresql://reelmesh_{{ $.schema }}:$({{ $.env }}_PASSWORD)@{{ include "reelmesh.fullname" $.root }}-postgres-rw:5432/reelmesh
{{- else }}
{{ include "reelmesh.secretEnv" (dict "env" $.env "secret" $.root.Values.secrets.database "key" $.schema) }}
{{- end }}
{{- end }}
{{- end }}

{{/* What a service is told that is no secret: a map. */}}
{{- define "reelmesh.plainEnv" -}}
{{- $values := .root.Values }}
{{- $env := dict "HOME" "/tmp" "METRICS_HOST" "0.0.0.0" "METRICS_PORT" "9464" }}
{{- if .service.http }}
{{- $_ := merge $env (dict "HTTP_HOST" "0.0.0.0" "HTTP_PORT" "8080" "PUBLIC_URL" (required "publicUrl: where clients reach the gateway" $values.publicUrl)) }}
{{- else }}
{{- $_ := merge $env (dict "GRPC_HOST" "0.0.0.0" "GRPC_PORT" "50051") }}
{{- end }}
{{- range .service.calls }}
{{- $_ := set $env (index $values.services .).address (printf "%s:50051" (include "reelmesh.host" (dict "root" $.root "name" .))) }}
{{- end }}
{{- if has "nats" .service.uses }}{{ $_ := set $env "NATS_REPLICAS" ($values.nats.replicas | toString) }}{{ end }}
{{- if has "s3" .service.uses }}
{{- $endpoint := required "s3.endpointUrl: where the pods reach the S3 store" $values.s3.endpointUrl }}
{{- $_ := merge $env (dict "S3_ENDPOINT_URL" $endpoint "S3_PUBLIC_ENDPOINT_URL" ($values.s3.publicEndpointUrl | default $endpoint)) }}
{{- $_ := merge $env (dict "S3_BUCKET" $values.s3.bucket "S3_REGION" $values.s3.region) }}
{{- end }}
{{- if $values.secrets.tls }}
{{- $_ := merge $env (dict "GRPC_TLS_CERT" "/etc/reelmesh/tls/tls.crt" "GRPC_TLS_KEY" "/etc/reelmesh/tls/tls.key" "GRPC_TLS_CA" "/etc/reelmesh/tls/ca.crt") }}
{{- end }}
{{- with .service.scratch }}
{{- $_ := merge $env (dict "SCRATCH_DIR" "/scratch" "SCRATCH_BYTES" (int64 .bytes | toString)) }}
{{- end }}
{{- with $values.otel.endpoint }}
{{- $_ := merge $env (dict "OTEL_EXPORTER_OTLP_ENDPOINT" . "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" "OTEL_TRACES_SAMPLER_ARG" ($values.otel.ratio | toString)) }}
{{- end }}
{{- mergeOverwrite $env (deepCopy $values.env) (deepCopy (.service.env | default dict)) | toJson }}
{{- end }}

{{- define "reelmesh.env" -}}
{{- $values := .root.Values }}
{{- range $name, $value := include "reelmesh.plainEnv" . | fromJson }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range $name, $key := .service.keys }}
{{ include "reelmesh.secretEnv" (dict "env" $name "secret" $values.secrets.keys "key" $key) }}
{{- end }}
{{- if .service.schema }}{{ include "reelmesh.databaseEnv" (dict "root" .root "env" "DATABASE_URL" "schema" .service.schema) }}{{ end }}
{{- if has "nats" .service.uses }}
{{ include "reelmesh.secretEnv" (dict "env" "NATS_URL" "secret" $values.secrets.nats "key" "url") }}
{{- end }}
{{- if has "s3" .service.uses }}
{{ include "reelmesh.secretEnv" (dict "env" "S3_ACCESS_KEY_ID" "secret" $values.secrets.s3 "key" "access-key-id") }}
{{ include "reelmesh.secretEnv" (dict "env" "S3_SECRET_ACCESS_KEY" "secret" $values.secrets.s3 "key" "secret-access-key") }}
{{- end }}
{{- end }}

{{/* How a kubelet asks. Its own gRPC probe has no certificate; one certificate serves all. */}}
{{- define "reelmesh.probe" -}}
{{- if .service.http }}
httpGet: {path: /healthz, port: http}
{{- else if .root.Values.secrets.tls }}
exec: {command: [python, -m, meshkit.probe, --name, {{ include "reelmesh.host" (dict "root" .root "name" "identity") }}]}
{{- else }}
grpc: {port: 50051}
{{- end }}
{{- end }}
