{{- define "studyteddy.labels" -}}
app.kubernetes.io/name: studyteddy
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "studyteddy.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The variables of a process of `.service`; called with a dict of root and service. */}}
{{- define "studyteddy.environment" -}}
envFrom:
  - configMapRef: {name: {{ .root.Release.Name }}-environment}
  - secretRef: {name: {{ required "secretName: name the Secrets, one for each service: <secretName>-<service>" .root.Values.secretName }}-{{ .service }}}
env:
  - {name: {{ .service | upper }}_HOST, value: "0.0.0.0"}
  - {name: {{ .service | upper }}_PORT, value: {{ (get .root.Values.services .service).port | quote }}}
{{- end }}

{{- define "studyteddy.security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}
